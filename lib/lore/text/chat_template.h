#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lore {

namespace jinja {
struct Template;
}

/// What a chat template is given besides the messages.
// NOLINTNEXTLINE(bugprone-exception-escape): a JSON value made of nullptr, or moved, does not throw.
struct RenderOptions {
  /// JSON schemas of the tools, or null for none.
  nlohmann::ordered_json tools = nullptr;
  /// Whether the rendering ends with the opening of an assistant turn.
  bool add_generation_prompt = false;
  /// The strings of the special tokens by their Hugging Face names: `bos_token`, `eos_token`, ...
  std::map<std::string, std::string> special_tokens;
  /// Further variables, as an object: what `chat_template_kwargs` is to transformers.
  nlohmann::ordered_json variables = nullptr;
  /// The time that `strftime_now` formats, in seconds since the epoch (UTC). A template that asks
  /// for the time when this is empty is an error, so that a rendering never depends on the clock.
  std::string now;
};

/// What one turn of a template's loop over the messages wrote: `text` bytes [begin, end).
struct MessageSpan {
  std::size_t message;  ///< its index in the messages
  std::size_t begin;
  std::size_t end;
  int line;  ///< of the loop, in the template
};

/// A rendered conversation.
struct Rendered {
  /// UTF-8.
  std::string text;
  /// Byte ranges [begin, end) of `text` that came from `{% generation %}` blocks, in order.
  std::vector<std::pair<std::size_t, std::size_t>> generation_spans;
  /// Which bytes of `text` were written while a loop stood at which message, as far as the template loops
  /// over the messages; none is empty. A span may lie within another one, which then comes later.
  std::vector<MessageSpan> message_spans;
};

/// A Hugging Face chat template: the subset of Jinja that such templates use, rendered as
/// transformers 4.57 renders it (trim_blocks, lstrip_blocks, loop controls, `{% generation %}`).
///
/// Templates are untrusted: there is no reflection, I/O or include, and a rendering is bounded
/// in steps, output and depth. A compiled template is immutable and may be rendered from several
/// threads at once.
class ChatTemplate {
 public:
  /// `name` is what errors call the template. Throws: Error kInput with name and line for what
  /// is not valid, or is outside the subset.
  static ChatTemplate compile(std::string source, std::string name);

  /// `messages` is a list of objects with `role` and `content`. Throws: Error kInput with the
  /// template's name and line, also for what the template itself raises.
  Rendered render(const nlohmann::ordered_json& messages, const RenderOptions& options) const;

  /// The same template with another one for conversations that come with tools.
  ChatTemplate with_tool_use(ChatTemplate tool_use) const;
  /// The template of a conversation with these `tools` (null for none).
  const ChatTemplate& for_tools(const nlohmann::ordered_json& tools) const;
  /// The source; with another one for tools, both, each under its name.
  nlohmann::ordered_json identity() const;

  /// Whether the template contains a `{% generation %}` block.
  bool marks_generation() const;
  /// The line of its first `{% generation %}` block; 0 without one.
  int generation_line() const;
  /// Whether it, or the one for tools, asks for the time (`strftime_now`).
  bool asks_for_time() const;
  const std::string& source() const;
  const std::string& name() const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Template> compiled);

  std::shared_ptr<const jinja::Template> compiled_;
  std::shared_ptr<const ChatTemplate> tool_use_;
};

/// The chat template of a model. In a folder: `chat_template.jinja`, beside it
/// `additional_chat_templates/tool_use.jinja`, else `chat_template` of tokenizer_config.json (a string, or a
/// list with one named "default" and perhaps one named "tool_use"). In a GGUF file:
/// `tokenizer.chat_template` and `tokenizer.chat_template.tool_use`. Empty when the model has none.
/// Throws: Error kInput when a file is damaged or the template does not compile.
std::optional<ChatTemplate> find_chat_template(const std::filesystem::path& model);

/// A template that Lore brings along, for models without one: see `named_chat_templates`.
/// They mark the assistant's turns, end of turn included. Empty for an unknown name.
std::optional<ChatTemplate> named_chat_template(std::string_view name);

/// The names that `named_chat_template` knows.
std::vector<std::string_view> named_chat_templates();

}  // namespace lore
