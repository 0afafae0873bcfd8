#include "lore/data/assistant_spans.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lore/core/error.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// A rendering in which one content was replaced by the mark: what stands before and after it.
struct Around {
  std::string before;
  std::string after;
};

class TurnFinder {
 public:
  explicit TurnFinder(const RenderedChat& chat) : chat_(chat) {
    while (chat_.text.find(mark_) != std::string::npos) {
      mark_ += "\uE001";
    }
  }

  ByteRange find(std::size_t message, std::size_t earliest) const {
    const bool calls =
        chat_.messages[message].contains("tool_calls") && !chat_.messages[message]["tool_calls"].empty();
    const auto prompt = rendered(message, true);
    const auto history = rendered(message, false);
    const auto whole =
        message + 1 == chat_.messages.size() ? std::optional(chat_.text) : rendered(message + 1, false);
    const auto around = around_content(message, message + 1);

    const bool stable = whole && chat_.text.starts_with(*whole);
    std::optional<ByteRange> tail;  // from the end of the content to the end of the message's text
    std::optional<std::size_t> content_begin;
    if (stable && around && whole->ends_with(around->after)) {
      tail = {whole->size() - around->after.size(), whole->size()};
      content_begin = begin_of(*around);
    } else if (stable && !around && calls && prompt && whole->starts_with(*prompt)) {
      // Nothing but the calls is rendered.
      tail = {prompt->size(), whole->size()};
    } else if (const auto within = around_content(message, chat_.messages.size());
               within && around && within->after.starts_with(around->after) &&
               chat_.text.ends_with(within->after)) {
      // The template renders the message otherwise in here than at the end of a conversation.
      const std::size_t end = chat_.text.size() - within->after.size();
      tail = {end, end + around->after.size()};
      content_begin = begin_of(*within);
    }
    if (!tail) {
      fail(message, "where its turn ends");
    }
    const std::size_t end = turn_end(*tail, calls);
    const auto begin = turn_begin(prompt, history, content_begin, *tail, earliest);
    if (!begin) {
      fail(message, "where its turn begins");
    }
    return {*begin, end};
  }

 private:
  [[noreturn]] static void fail(std::size_t message, std::string_view what) {
    throw Error(ErrorKind::kInput, fmt::format("messages[{}]", message),
                fmt::format("the chat template's rendering does not show {}: use a template with "
                            "{{% generation %}} marks (data.template)",
                            what));
  }

  /// The first `count` messages; nothing when the template refuses them.
  std::optional<std::string> rendered(std::size_t count, bool add_generation_prompt) const {
    const Json messages(chat_.messages.begin(), chat_.messages.begin() + static_cast<std::ptrdiff_t>(count));
    return render(messages, add_generation_prompt);
  }

  std::optional<std::string> render(const Json& messages, bool add_generation_prompt) const {
    RenderOptions options = chat_.options;
    options.add_generation_prompt = add_generation_prompt;
    try {
      return chat_.chat_template.render(messages, options).text;
    } catch (const Error&) {
      return {};
    }
  }

  /// The first `count` messages with the content of `message` replaced by the mark.
  std::optional<Around> around_content(std::size_t message, std::size_t count) const {
    Json messages(chat_.messages.begin(), chat_.messages.begin() + static_cast<std::ptrdiff_t>(count));
    messages[message]["content"] = mark_;
    const auto text = render(messages, false);
    const std::size_t at = text ? text->find(mark_) : std::string::npos;
    if (at == std::string::npos || text->find(mark_, at + 1) != std::string::npos) {
      return {};
    }
    return Around{text->substr(0, at), text->substr(at + mark_.size())};
  }

  std::optional<std::size_t> begin_of(const Around& around) const {
    return chat_.text.starts_with(around.before) ? std::optional(around.before.size()) : std::nullopt;
  }

  bool ends_turn(const Token& token) const {
    return token.end > token.begin &&
           (chat_.tokenizer.is_special(token.id) || chat_.tokenizer.special_tokens().eos == token.id);
  }

  /// The end of the first special token after the content; of the last one where calls come between.
  std::size_t turn_end(const ByteRange& tail, bool calls) const {
    std::optional<std::size_t> end;
    for (const Token& token : chat_.tokens) {
      if (token.begin >= tail.first && token.end <= tail.second && ends_turn(token) && (!end || calls)) {
        end = token.end;
      }
    }
    if (end) {
      return *end;
    }
    // No special token ends this template's turns: its text does, without the white space behind it.
    const std::size_t last = chat_.text.find_last_not_of(" \t\r\n", tail.second == 0 ? 0 : tail.second - 1);
    return std::max(tail.first, last == std::string::npos ? 0 : last + 1);
  }

  /// Where the model begins to speak: after the generation prompt, where that can be found.
  std::optional<std::size_t> turn_begin(const std::optional<std::string>& prompt,
                                        const std::optional<std::string>& history,
                                        std::optional<std::size_t> content_begin, const ByteRange& tail,
                                        std::size_t earliest) const {
    const auto fits = [&](std::size_t begin) { return begin >= earliest && begin <= tail.first; };
    const bool knows_prompt = prompt && history && *prompt != *history && prompt->starts_with(*history);
    if (prompt && (knows_prompt || !content_begin) && chat_.text.starts_with(*prompt) &&
        fits(prompt->size())) {
      return prompt->size();
    }
    if (knows_prompt) {
      const std::size_t shared = common_prefix(*prompt, chat_.text);
      if (shared > history->size() && fits(shared)) {
        return shared;
      }
      const std::string header = prompt->substr(history->size());
      const std::size_t limit = content_begin.value_or(tail.first);
      const std::size_t at =
          limit >= header.size() ? chat_.text.rfind(header, limit - header.size()) : std::string::npos;
      if (at != std::string::npos && fits(at + header.size())) {
        return at + header.size();
      }
    }
    return content_begin && fits(*content_begin) ? content_begin : std::nullopt;
  }

  const RenderedChat& chat_;
  // Private-use characters: no template treats them, no trimming removes them.
  std::string mark_ = "\uE000\uE001";
};

}  // namespace

std::vector<ByteRange> find_assistant_spans(const RenderedChat& chat, std::size_t first) {
  const TurnFinder finder(chat);
  std::vector<ByteRange> spans;
  std::size_t earliest = 0;
  for (std::size_t i = first; i < chat.messages.size(); ++i) {
    if (chat.messages[i]["role"] == "assistant") {
      spans.push_back(finder.find(i, earliest));
      earliest = spans.back().second;
    }
  }
  return spans;
}

std::vector<std::uint8_t> tokens_within(std::span<const Token> tokens, std::span<const ByteRange> ranges) {
  std::vector<std::uint8_t> mask(tokens.size(), 0);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    mask[i] =
        token.end > token.begin && std::any_of(ranges.begin(), ranges.end(), [&](const ByteRange& range) {
          return token.begin < range.second && token.end > range.first;
        });
  }
  return mask;
}

std::vector<std::uint8_t> tokens_marked(std::span<const Token> tokens, std::span<const ByteRange> ranges) {
  std::vector<std::uint8_t> mask(tokens.size(), 0);
  for (const auto& [begin, end] : ranges) {
    std::optional<std::size_t> last_begin;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const Token& token = tokens[i];
      if (token.end <= token.begin || token.end <= begin || token.begin >= end) {
        continue;
      }
      // Of the tokens that share the last character, the first one only.
      if (last_begin == token.begin && token.end >= end) {
        break;
      }
      mask[i] = 1;
      if (token.end >= end) {
        last_begin = token.begin;
      }
    }
  }
  return mask;
}

}  // namespace lore
