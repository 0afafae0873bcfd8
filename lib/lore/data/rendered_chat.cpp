#include "lore/data/rendered_chat.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

/// The line of the loop that wrote the message, else of the loop that wrote any; 0 without such a loop.
int line_of(const RenderedChat& chat, std::size_t message) {
  const auto& spans = chat.rendered.message_spans;
  const auto own = std::find_if(spans.begin(), spans.end(),
                                [&](const MessageSpan& span) { return span.message == message; });
  if (own != spans.end()) {
    return own->line;
  }
  return spans.empty() ? 0 : spans.back().line;
}

}  // namespace

std::optional<Rendered> render_again(const RenderedChat& chat, const Json& messages,
                                     bool add_generation_prompt) {
  RenderOptions options = chat.options;
  options.add_generation_prompt = add_generation_prompt;
  try {
    return chat.chat_template.render(messages, options);
  } catch (const Error&) {
    return {};
  }
}

std::optional<Rendered> render_first(const RenderedChat& chat, std::size_t count,
                                     bool add_generation_prompt) {
  const auto begin = chat.messages.begin();
  return render_again(chat, Json(begin, begin + static_cast<std::ptrdiff_t>(count)), add_generation_prompt);
}

std::string unused_mark(const RenderedChat& chat) {
  std::string mark = "\uE000\uE001";
  while (chat.rendered.text.find(mark) != std::string::npos) {
    mark += "\uE001";
  }
  return mark;
}

bool may_end_turn(const RenderedChat& chat, const Token& token) {
  if (token.end <= token.begin) {
    return false;
  }
  if (chat.tokenizer.is_special(token.id) || chat.tokenizer.special_tokens().eos == token.id) {
    return true;
  }
  const std::string spelled = chat.tokenizer.token_of(token.id);
  return spelled.size() > 4 && spelled.starts_with("<|") && spelled.ends_with("|>");
}

std::optional<std::size_t> end_behind(const RenderedChat& chat, std::size_t position) {
  const std::size_t next = chat.rendered.text.find_first_not_of(kBlank, position);
  const SpecialTokens& special = chat.tokenizer.special_tokens();
  for (const Token& token : chat.tokens) {
    if (token.begin <= next && next < token.end && may_end_turn(chat, token) &&
        (token.id != special.bos || special.bos == special.eos)) {
      return token.end;
    }
  }
  return {};
}

void fail_no_end(const RenderedChat& chat, std::size_t message) {
  fail_turn(chat, message, "a special token at the end of this turn, so the model would not learn to stop");
}

void fail_turn(const RenderedChat& chat, std::size_t message, std::string_view what) {
  const int line = line_of(chat, message);
  throw Error(ErrorKind::kInput, fmt::format("messages[{}]", message),
              fmt::format("the chat template {}{} does not show {}: use a template with {{% generation %}} "
                          "marks, one that Lore brings along or a file of yours (data.template)",
                          chat.chat_template.name(), line > 0 ? fmt::format(":{}", line) : "", what));
}

}  // namespace lore
