#include "lore/data/turn_by_content.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

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
  explicit TurnFinder(const RenderedChat& chat)
      : chat_(chat), text_(chat.rendered.text), mark_(unused_mark(chat)) {}

  ByteRange find(std::size_t message, std::size_t earliest) const {
    const bool calls =
        chat_.messages[message].contains("tool_calls") && !chat_.messages[message]["tool_calls"].empty();
    const auto prompt = rendered(message, true);
    const auto history = rendered(message, false);
    const auto whole =
        message + 1 == chat_.messages.size() ? std::optional(text_) : rendered(message + 1, false);
    const auto around = around_content(message, message + 1);

    const bool stable = whole && text_.starts_with(*whole);
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
               text_.ends_with(within->after)) {
      // The template renders the message otherwise in here than at the end of a conversation.
      const std::size_t end = text_.size() - within->after.size();
      tail = {end, end + around->after.size()};
      content_begin = begin_of(*within);
    }
    if (!tail) {
      fail_turn(chat_, message, "where this turn ends");
    }
    const std::size_t end = turn_end(message, *tail, calls);
    const auto begin = turn_begin(prompt, history, content_begin, *tail, earliest);
    if (!begin) {
      fail_turn(chat_, message, "where this turn begins");
    }
    return {*begin, end};
  }

 private:
  std::optional<std::string> rendered(std::size_t count, bool add_generation_prompt) const {
    auto result = render_first(chat_, count, add_generation_prompt);
    return result ? std::optional(std::move(result->text)) : std::nullopt;
  }

  /// The first `count` messages with the content of `message` replaced by the mark.
  std::optional<Around> around_content(std::size_t message, std::size_t count) const {
    Json messages(chat_.messages.begin(), chat_.messages.begin() + static_cast<std::ptrdiff_t>(count));
    messages[message]["content"] = mark_;
    const auto marked = render_again(chat_, messages, false);
    const std::size_t at = marked ? marked->text.find(mark_) : std::string::npos;
    if (at == std::string::npos || marked->text.find(mark_, at + 1) != std::string::npos) {
      return {};
    }
    return Around{marked->text.substr(0, at), marked->text.substr(at + mark_.size())};
  }

  std::optional<std::size_t> begin_of(const Around& around) const {
    return text_.starts_with(around.before) ? std::optional(around.before.size()) : std::nullopt;
  }

  /// The end of the first special token after the content; of the last one where calls come between.
  std::size_t turn_end(std::size_t message, const ByteRange& tail, bool calls) const {
    std::optional<std::size_t> end;
    for (const Token& token : chat_.tokens) {
      if (token.begin >= tail.first && token.end <= tail.second && may_end_turn(chat_, token) &&
          (!end || calls)) {
        end = token.end;
      }
    }
    if (!end) {
      end = end_behind(chat_, tail.second);
    }
    if (end) {
      return *end;
    }
    fail_no_end(chat_, message);
  }

  /// Where the model begins to speak: after the generation prompt, where that can be found.
  std::optional<std::size_t> turn_begin(const std::optional<std::string>& prompt,
                                        const std::optional<std::string>& history,
                                        std::optional<std::size_t> content_begin, const ByteRange& tail,
                                        std::size_t earliest) const {
    const auto fits = [&](std::size_t begin) { return begin >= earliest && begin <= tail.first; };
    const bool knows_prompt = prompt && history && *prompt != *history && prompt->starts_with(*history);
    if (prompt && (knows_prompt || !content_begin) && text_.starts_with(*prompt) && fits(prompt->size())) {
      return prompt->size();
    }
    if (knows_prompt) {
      const std::size_t shared = common_prefix(*prompt, text_);
      if (shared > history->size() && fits(shared)) {
        return shared;
      }
      const std::string header = prompt->substr(history->size());
      const std::size_t limit = content_begin.value_or(tail.first);
      const std::size_t at =
          limit >= header.size() ? text_.rfind(header, limit - header.size()) : std::string::npos;
      if (at != std::string::npos && fits(at + header.size())) {
        return at + header.size();
      }
    }
    return content_begin && fits(*content_begin) ? content_begin : std::nullopt;
  }

  const RenderedChat& chat_;
  const std::string& text_;
  std::string mark_;
};

}  // namespace

ByteRange find_turn_by_content(const RenderedChat& chat, std::size_t message, std::size_t earliest) {
  return TurnFinder(chat).find(message, earliest);
}

}  // namespace lore
