#include "lore/data/example_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/row_cells.h"
#include "lore/data/assistant_spans.h"
#include "lore/data/chat_rows.h"
#include "lore/text/tokenizer.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(std::string subject, std::string message) {
  throw Error(ErrorKind::kInput, std::move(subject), std::move(message));
}

std::vector<std::int32_t> ids_of(const std::vector<Token>& tokens) {
  std::vector<std::int32_t> ids;
  ids.reserve(tokens.size());
  for (const Token& token : tokens) {
    ids.push_back(token.id);
  }
  return ids;
}

std::size_t common_prefix(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

std::string keys_of(const Json& row) {
  std::string keys;
  for (const auto& [key, value] : row.items()) {
    keys += (keys.empty() ? "" : ", ") + key.substr(0, 40);
  }
  return keys.empty() ? "none" : keys;
}

/// Throws: Error kInput where the template writes nothing of the calls of tools: the assistant would learn to
/// say nothing at their place.
void refuse_hidden_calls(const RenderedChat& chat) {
  Json without = chat.messages;
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < without.size(); ++i) {
    const auto calls = without[i].find("tool_calls");
    if (calls != without[i].end() && !calls->empty()) {
      without[i].erase(calls);
      first = first.value_or(i);
    }
  }
  if (!first) {
    return;
  }
  const auto again = render_again(chat, without, chat.options.add_generation_prompt);
  if (again && again->text == chat.rendered.text) {
    refuse(fmt::format("messages[{}]", *first),
           fmt::format("the chat template {} writes nothing of its tool_calls: name one with tools in "
                       "data.template",
                       chat.chat_template.name()));
  }
}

}  // namespace

TrainOn parse_train_on(std::string_view name) {
  if (name == "all") {
    return TrainOn::kAll;
  }
  if (name == "last") {
    return TrainOn::kLast;
  }
  throw Error(ErrorKind::kUsage, "data.train_on", fmt::format("'{}' is not one of all, last", name));
}

ExampleBuilder::ExampleBuilder(std::shared_ptr<const Tokenizer> tokenizer,
                               std::optional<ChatTemplate> chat_template, ExampleSettings settings)
    : tokenizer_(std::move(tokenizer)),
      chat_template_(std::move(chat_template)),
      settings_(std::move(settings)) {}

Example ExampleBuilder::build(const Json& row, const std::string& source) const {
  try {
    Example example = build_row(row);
    // The first token of a sequence is never predicted.
    if (std::find(example.trained.begin() + (example.trained.empty() ? 0 : 1), example.trained.end(), 1) ==
        example.trained.end()) {
      refuse("row", "has no token to train");
    }
    example.source = source;
    return example;
  } catch (const Error& error) {
    throw error.within(source);
  }
}

bool ExampleBuilder::is_plain_text(const Json& row) {
  return row.contains("text") && !row.contains("messages") && !row.contains("prompt");
}

Json ExampleBuilder::identity() const {
  return {{"tokenizer", tokenizer_->sha256()},
          {"template", chat_template_ ? chat_template_->identity() : Json()},
          {"template_for_text_pairs", settings_.template_for_text_pairs},
          {"train_on", static_cast<int>(settings_.train_on)},
          {"ensures_bos", settings_.ensures_bos},
          {"now", settings_.now}};
}

Example ExampleBuilder::build_row(const Json& row) const {
  if (is_plain_text(row)) {
    if (!row["text"].is_string()) {
      refuse("text", fmt::format("expected a text, got {}", row["text"].type_name()));
    }
    return build_text(row["text"].get_ref<const std::string&>());
  }
  const auto messages = row.find("messages");
  const auto prompt = row.find("prompt");
  const auto completion = row.find("completion");
  const bool chat = messages != row.end();
  const bool pair = prompt != row.end() && completion != row.end();
  if (chat == pair) {
    refuse("row",
           chat ? "has 'messages' and also 'prompt' and 'completion': which is meant?"
                : fmt::format("expected 'messages', or 'prompt' and 'completion', or 'text'; its keys: {}",
                              keys_of(row)));
  }
  if (chat) {
    return build_chat(read_messages(*messages, "messages"), 0, row);
  }
  if (prompt->is_string() && completion->is_string()) {
    if (!settings_.template_for_text_pairs) {
      return build_text_pair(prompt->get<std::string>(), completion->get<std::string>());
    }
    const Json turns = {{{"role", "user"}, {"content", *prompt}},
                        {{"role", "assistant"}, {"content", *completion}}};
    return build_chat(turns, 1, row);
  }
  if (prompt->is_array() && completion->is_array()) {
    Json turns = read_messages(*prompt, "prompt");
    const std::size_t prompt_messages = turns.size();
    for (Json& message : read_messages(*completion, "completion")) {
      turns.push_back(std::move(message));
    }
    return build_chat(turns, prompt_messages, row);
  }
  refuse("row", fmt::format("prompt and completion are two texts or two lists of messages, got {} and {}",
                            prompt->type_name(), completion->type_name()));
}

RenderOptions ExampleBuilder::render_options(const Json& row) const {
  RenderOptions options;
  options.tools = read_tools(row);
  options.special_tokens = tokenizer_->special_tokens().by_name;
  options.now = settings_.now;
  if (const auto variables = row.find("chat_template_kwargs");
      variables != row.end() && !variables->is_null()) {
    if (!variables->is_object()) {
      refuse("chat_template_kwargs", fmt::format("expected an object, got {}", variables->type_name()));
    }
    options.variables = *variables;
  }
  return options;
}

Rendered ExampleBuilder::render_row(Json& messages, const RenderOptions& options) const {
  const ChatTemplate& chat_template = chat_template_->for_tools(options.tools);
  try {
    return chat_template.render(messages, options);
  } catch (const Error&) {
    // Many templates take text only, and a content that is null beside tool calls says nothing.
    bool changed = false;
    for (Json& message : messages) {
      if (const auto content = message.find("content"); content == message.end() || content->is_null()) {
        message["content"] = "";
        changed = true;
      }
    }
    if (!changed) {
      throw;
    }
  }
  return chat_template.render(messages, options);
}

std::vector<std::size_t> ExampleBuilder::wanted_messages(Json& messages, std::size_t prompt_messages) const {
  const std::vector<std::uint8_t> weights = take_weights(messages, "messages");
  std::vector<std::size_t> wanted;
  bool answered = false;
  for (std::size_t i = prompt_messages; i < messages.size(); ++i) {
    if (messages[i]["role"] != "assistant") {
      continue;
    }
    answered = true;
    if (settings_.train_on == TrainOn::kLast) {
      wanted.clear();
    }
    if (weights[i] != 0) {
      wanted.push_back(i);
    }
  }
  if (wanted.empty()) {
    refuse("row", !answered ? "has no message of the assistant to train on"
                  : settings_.train_on == TrainOn::kLast
                      ? "has weight 0 at its last message of the assistant, the only one that "
                        "data.train_on: last trains"
                      : "has weight 0 at all messages of the assistant: nothing is left to train");
  }
  return wanted;
}

Example ExampleBuilder::build_chat(Json messages, std::size_t prompt_messages, const Json& row) const {
  if (!chat_template_) {
    refuse("row", "is a conversation, and the model has no chat template: name one with data.template");
  }
  const std::vector<std::size_t> wanted = wanted_messages(messages, prompt_messages);
  const RenderOptions options = render_options(row);
  const Rendered rendered = render_row(messages, options);
  const std::vector<Token> tokens = tokenize_chat(rendered.text);
  const ChatTemplate& chat_template = chat_template_->for_tools(options.tools);
  const RenderedChat chat{chat_template, options, messages, *tokenizer_, rendered, tokens};
  refuse_hidden_calls(chat);

  Example example;
  example.ids = ids_of(tokens);
  example.trained = chat_template.marks_generation()
                        ? tokens_marked(tokens, find_marked_spans(chat, wanted))
                        : tokens_within(tokens, find_assistant_spans(chat, wanted));
  return example;
}

std::string ExampleBuilder::with_eos(const std::string& text) const {
  const SpecialTokens& special = tokenizer_->special_tokens();
  const auto eos = special.by_name.find("eos_token");
  if (eos == special.by_name.end() || eos->second.empty()) {
    refuse("row", "the tokenizer names no eos_token to end the text with");
  }
  return text.ends_with(eos->second) ? text : text + eos->second;
}

Example ExampleBuilder::build_text(const std::string& text) const {
  if (text.empty()) {
    refuse("text", "is empty");
  }
  Example example;
  example.ids = encode_raw(with_eos(text));
  example.trained.assign(example.ids.size(), 1);
  return example;
}

Example ExampleBuilder::build_text_pair(const std::string& prompt, const std::string& completion) const {
  const std::string ended = with_eos(completion);
  const std::vector<std::int32_t> prompt_ids = encode_raw(prompt);
  Example example;
  example.ids = encode_raw(prompt + ended);
  const std::size_t context = common_prefix(prompt_ids, example.ids);
  example.trained.assign(example.ids.size(), 1);
  std::fill_n(example.trained.begin(), context, std::uint8_t{0});
  return example;
}

ExampleBuilder::PromptText ExampleBuilder::prompt_text(const Json& row) const {
  const auto messages = row.find("messages");
  if (messages == row.end()) {
    return {row.at("prompt").get<std::string>(), false};
  }
  if (!chat_template_) {
    refuse("row", "is a conversation, and the model has no chat template: name one");
  }
  Json turns = read_messages(*messages, "messages");
  take_weights(turns, "messages");
  RenderOptions options = render_options(row);
  options.add_generation_prompt = true;
  return {render_row(turns, options).text, true};
}

std::vector<std::int32_t> ExampleBuilder::encode_prompt(const PromptText& prompt) const {
  return prompt.is_chat ? ids_of(tokenize_chat(prompt.text)) : encode_raw(prompt.text);
}

std::vector<std::int32_t> ExampleBuilder::build_prompt(const Json& row, std::string_view begun) const {
  PromptText prompt = prompt_text(row);
  prompt.text += begun;
  return encode_prompt(prompt);
}

ContinuedPrompt ExampleBuilder::build_continuation(const Json& row, std::string_view continuation) const {
  PromptText prompt = prompt_text(row);
  const std::vector<std::int32_t> whole =
      encode_prompt({prompt.text + std::string(continuation), prompt.is_chat});
  if (is_blank(prompt.text)) {
    refuse("prompt", "is empty");
  }
  const std::string_view kept = trimmed(prompt.text);
  prompt.text.resize(static_cast<std::size_t>(kept.data() + kept.size() - prompt.text.data()));
  ContinuedPrompt result;
  result.prompt = encode_prompt(prompt);
  if (result.prompt.size() >= whole.size()) {
    refuse("continuation", fmt::format("'{}' adds no token to its prompt", printable(continuation, 80)));
  }
  result.continuation.assign(whole.begin() + static_cast<std::ptrdiff_t>(result.prompt.size()), whole.end());
  return result;
}

std::vector<Token> ExampleBuilder::tokenize_chat(const std::string& text) const {
  std::vector<Token> tokens = tokenizer_->tokenize(text, false);
  const std::optional<std::int32_t> bos = tokenizer_->special_tokens().bos;
  if (settings_.ensures_bos && bos && (tokens.empty() || tokens.front().id != *bos)) {
    const std::vector<std::int32_t> plain = tokenizer_->encode("a", true);
    if (!plain.empty() && plain.front() == *bos) {
      tokens.insert(tokens.begin(), Token{*bos, 0, 0});
    }
  }
  return tokens;
}

/// With what the tokenizer puts in front of a text, but one BOS where the text brings its own, and without
/// what it puts behind: how a text ends is said in the text.
std::vector<std::int32_t> ExampleBuilder::encode_raw(const std::string& text) const {
  std::vector<Token> tokens = tokenizer_->tokenize(text, true);
  const SpecialTokens& special = tokenizer_->special_tokens();
  if (tokens.size() > 1 && tokens.back().begin == tokens.back().end && tokens.back().id == special.eos) {
    tokens.pop_back();
  }
  std::vector<std::int32_t> ids = ids_of(tokens);
  if (special.bos && ids.size() >= 2 && ids[0] == *special.bos && ids[1] == *special.bos) {
    ids.erase(ids.begin());
  }
  return ids;
}

}  // namespace lore
