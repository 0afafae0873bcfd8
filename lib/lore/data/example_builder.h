#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lore/data/example.h"
#include "lore/text/chat_template.h"

namespace lore {

class Tokenizer;

/// How rows become examples.
struct ExampleSettings {
  /// Render `{prompt, completion}` rows of text with the chat template, as one user and one
  /// assistant turn; otherwise they are joined as raw text.
  bool template_for_text_pairs = false;
  /// The time given to `strftime_now`, in seconds since the epoch: see RenderOptions::now.
  std::string now;
};

/// Makes examples from rows:
///
/// - `{"messages": [...]}`, with `tools` where the chat uses them, and `chat_template_kwargs`: rendered by
/// the chat template,
///   tokenized without further special tokens. Trained are the assistant's tokens: what
///   `{% generation %}` marks where the template has such marks, else each assistant content up to
///   and with its end-of-turn token. What a template puts after that token is not trained.
/// - `{"prompt": text, "completion": text}`: joined as raw text, EOS appended, trained from the
///   first token at which prompt and prompt + completion differ, as TRL 1.16 does.
/// - `{"prompt": [messages], "completion": [messages]}`: rendered by the chat template as one
///   conversation; trained are the assistant's tokens of the completion.
/// - `{"text": text}`: the tokens as the tokenizer itself gives them, EOS at the end, all trained.
///
/// Never drops a row: what cannot be turned into an example with at least one trained token is an
/// error. Immutable, usable from several threads at once.
class ExampleBuilder {
 public:
  ExampleBuilder(std::shared_ptr<const Tokenizer> tokenizer, std::optional<ChatTemplate> chat_template,
                 ExampleSettings settings);

  /// Throws: Error kInput, subject `source` ("file:line").
  Example build(const nlohmann::ordered_json& row, const std::string& source) const;

  /// True for a row of plain text.
  static bool is_plain_text(const nlohmann::ordered_json& row);
  /// All that decides which tokens a row becomes, besides the row.
  nlohmann::ordered_json identity() const;

 private:
  Example build_row(const nlohmann::ordered_json& row) const;
  Example build_chat(const nlohmann::ordered_json& messages, std::size_t prompt_messages,
                     const nlohmann::ordered_json& row) const;
  Example build_text(const std::string& text) const;
  std::string with_eos(const std::string& text) const;
  Example build_text_pair(const std::string& prompt, const std::string& completion) const;
  RenderOptions render_options(const nlohmann::ordered_json& row) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::optional<ChatTemplate> chat_template_;
  ExampleSettings settings_;
};

}  // namespace lore
