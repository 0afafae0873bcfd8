#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lore/data/example.h"
#include "lore/text/chat_template.h"

namespace lore {

class Tokenizer;
struct Token;

/// Which of the assistant's messages in a conversation are trained.
enum class TrainOn { kAll, kLast };

/// `all` or `last`. Throws: Error kUsage for anything else.
TrainOn parse_train_on(std::string_view name);

/// How rows become examples.
struct ExampleSettings {
  TrainOn train_on = TrainOn::kAll;
  /// Render `{prompt, completion}` rows of text with the chat template, as one user and one
  /// assistant turn; otherwise they are joined as raw text.
  bool template_for_text_pairs = false;
  /// The time given to `strftime_now`, in seconds since the epoch: see RenderOptions::now.
  std::string now;
  /// Put a BOS in front of a rendering that has none, where the tokenizer puts one in front of plain text:
  /// for templates that were not made for the model.
  bool ensures_bos = false;
};

/// The tokens of a prompt and of what follows it, made of one text.
struct ContinuedPrompt {
  std::vector<std::int32_t> prompt;
  std::vector<std::int32_t> continuation;
};

/// Makes examples from rows:
///
/// - `{"messages": [...]}`, with `tools` where the chat uses them, and `chat_template_kwargs`: rendered by
/// the chat template,
///   tokenized without further special tokens. Trained are the assistant's tokens: what
///   `{% generation %}` marks where the template has such marks, else each assistant content up to
///   and with its end-of-turn token. What a template puts after that token is not trained, nor is a message
///   with `weight: 0`.
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
  /// The ids that ask for an answer: of `{"messages": [...]}` with the template's generation prompt, of
  /// `{"prompt": text}` as the beginning of a raw text pair. As far as the template renders a conversation
  /// as the beginning of a longer one, they are the first ids of the example with that answer. `begun` is
  /// what of the answer is there already. Throws: Error kInput.
  std::vector<std::int32_t> build_prompt(const nlohmann::ordered_json& row,
                                         std::string_view begun = {}) const;
  /// A prompt with `continuation` behind it. As lm-evaluation-harness does, white space at the end of the
  /// prompt counts as the continuation's, both are tokenized as one text, and the continuation is what is
  /// behind as many tokens as the prompt alone has.
  /// Throws: Error kInput, also where one of the two is left without a token.
  ContinuedPrompt build_continuation(const nlohmann::ordered_json& row, std::string_view continuation) const;

 private:
  /// What asks for an answer, as text.
  struct PromptText {
    std::string text;
    bool is_chat;
  };

  PromptText prompt_text(const nlohmann::ordered_json& row) const;
  std::vector<std::int32_t> encode_prompt(const PromptText& prompt) const;
  Example build_row(const nlohmann::ordered_json& row) const;
  Example build_chat(nlohmann::ordered_json messages, std::size_t prompt_messages,
                     const nlohmann::ordered_json& row) const;
  Example build_text(const std::string& text) const;
  std::string with_eos(const std::string& text) const;
  std::vector<std::size_t> wanted_messages(nlohmann::ordered_json& messages,
                                           std::size_t prompt_messages) const;
  Example build_text_pair(const std::string& prompt, const std::string& completion) const;
  std::vector<Token> tokenize_chat(const std::string& text) const;
  std::vector<std::int32_t> encode_raw(const std::string& text) const;
  Rendered render_row(nlohmann::ordered_json& messages, const RenderOptions& options) const;
  RenderOptions render_options(const nlohmann::ordered_json& row) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::optional<ChatTemplate> chat_template_;
  ExampleSettings settings_;
};

}  // namespace lore
