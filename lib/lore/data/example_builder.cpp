#include "lore/data/example_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
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

/// A text that brings its own BOS has two once the tokenizer has put one in front.
void drop_second_bos(std::vector<std::int32_t>& ids, const std::optional<std::int32_t>& bos) {
  if (bos && ids.size() >= 2 && ids[0] == *bos && ids[1] == *bos) {
    ids.erase(ids.begin());
  }
}

std::string keys_of(const Json& row) {
  std::string keys;
  for (const auto& [key, value] : row.items()) {
    keys += (keys.empty() ? "" : ", ") + key.substr(0, 40);
  }
  return keys.empty() ? "none" : keys;
}

}  // namespace

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
  const bool asks_for_the_time =
      chat_template_ && chat_template_->source().find("strftime_now") != std::string::npos;
  return {{"tokenizer", tokenizer_->sha256()},
          {"template", chat_template_ ? Json(chat_template_->source()) : Json()},
          {"template_for_text_pairs", settings_.template_for_text_pairs},
          {"now", asks_for_the_time ? Json(settings_.now) : Json()}};
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

Example ExampleBuilder::build_chat(const Json& messages, std::size_t prompt_messages, const Json& row) const {
  if (!chat_template_) {
    refuse("row", "is a conversation, and the model has no chat template: name one with data.template");
  }
  const bool answered =
      std::any_of(messages.begin() + static_cast<std::ptrdiff_t>(prompt_messages), messages.end(),
                  [](const Json& message) { return message["role"] == "assistant"; });
  if (!answered) {
    refuse("row", "has no message of the assistant to train on");
  }
  const RenderOptions options = render_options(row);
  const Rendered rendered = chat_template_->render(messages, options);
  const std::vector<Token> tokens = tokenizer_->tokenize(rendered.text, false);

  Example example;
  example.ids = ids_of(tokens);
  if (!chat_template_->marks_generation()) {
    const RenderedChat chat{*chat_template_, options, messages, *tokenizer_, rendered.text, tokens};
    const std::vector<ByteRange> spans = find_assistant_spans(chat, prompt_messages);
    example.trained = tokens_within(tokens, spans);
  } else {
    example.trained = tokens_marked(tokens, rendered.generation_spans);
    if (prompt_messages > 0) {
      RenderOptions prompt_options = options;
      prompt_options.add_generation_prompt = true;
      const Json prompt(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(prompt_messages));
      const auto prompt_ids = tokenizer_->encode(chat_template_->render(prompt, prompt_options).text, false);
      std::fill_n(example.trained.begin(), common_prefix(prompt_ids, example.ids), std::uint8_t{0});
    }
  }
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
  const SpecialTokens& special = tokenizer_->special_tokens();
  Example example;
  example.ids = tokenizer_->encode(with_eos(text), true);
  drop_second_bos(example.ids, special.bos);
  // A tokenizer that puts an EOS behind every text gives it a second one.
  if (special.eos && example.ids.size() >= 2 && example.ids.back() == *special.eos &&
      example.ids[example.ids.size() - 2] == *special.eos) {
    example.ids.pop_back();
  }
  example.trained.assign(example.ids.size(), 1);
  return example;
}

Example ExampleBuilder::build_text_pair(const std::string& prompt, const std::string& completion) const {
  const SpecialTokens& special = tokenizer_->special_tokens();
  const std::string ended = with_eos(completion);
  std::vector<std::int32_t> prompt_ids = tokenizer_->encode(prompt, true);
  Example example;
  example.ids = tokenizer_->encode(prompt + ended, true);
  drop_second_bos(prompt_ids, special.bos);
  drop_second_bos(example.ids, special.bos);
  const std::size_t context = common_prefix(prompt_ids, example.ids);
  example.trained.assign(example.ids.size(), 1);
  std::fill_n(example.trained.begin(), context, std::uint8_t{0});
  return example;
}

}  // namespace lore
