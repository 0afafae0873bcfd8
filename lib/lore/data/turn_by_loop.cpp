#include "lore/data/turn_by_loop.h"

#include <algorithm>
#include <string_view>

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

/// What the loop wrote of one message.
struct Region {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Of a message whose turn in the loop wrote others', too, what comes before these.
/// Nothing when there is no such region, or when it goes on behind the others'.
std::optional<Region> region_of(const Rendered& rendered, std::size_t message) {
  const auto& spans = rendered.message_spans;
  const auto own = [&](const MessageSpan& span) { return span.message == message; };
  const auto first = std::find_if(spans.begin(), spans.end(), own);
  if (first == spans.end()) {
    return {};
  }
  Region region{first->begin, first->end};
  for (const MessageSpan& span : spans) {
    if (own(span)) {
      region.begin = std::min(region.begin, span.begin);
      region.end = std::max(region.end, span.end);
    }
  }
  std::size_t others_end = region.begin;
  std::size_t own_end = region.end;
  for (const MessageSpan& span : spans) {
    if (!own(span) && span.begin >= region.begin && span.end <= region.end) {
      own_end = std::min(own_end, span.begin);
      others_end = std::max(others_end, span.end);
    }
  }
  if (own_end < region.end) {
    const std::string_view behind =
        std::string_view(rendered.text).substr(others_end, region.end - others_end);
    if (behind.find_first_not_of(kBlank) != std::string_view::npos) {
      return {};
    }
    region.end = own_end;
  }
  return region;
}

/// Where the last loop over the messages stopped writing; nothing when there was none.
std::optional<std::size_t> end_of_messages(const Rendered& rendered) {
  std::optional<std::size_t> end;
  for (const MessageSpan& span : rendered.message_spans) {
    end = std::max(end.value_or(0), span.end);
  }
  return end;
}

class LoopTurn {
 public:
  LoopTurn(const RenderedChat& chat, std::size_t message, Region region)
      : chat_(chat), text_(chat.rendered.text), message_(message), region_(region) {}

  ByteRange find(const std::optional<Rendered>& marked) const {
    const std::size_t begin = find_begin();
    const std::size_t end = find_end(begin);
    check_foreign(begin, marked);
    return {begin, end};
  }

 private:
  std::string_view region_text() const { return text_.substr(region_.begin, region_.end - region_.begin); }

  std::size_t find_begin() const {
    const auto prompt = render_first(chat_, message_, true);
    if (prompt && text_.starts_with(prompt->text) && prompt->text.size() <= region_.end) {
      return std::max(prompt->text.size(), region_.begin);
    }
    if (prompt) {
      if (const auto messages_end = end_of_messages(*prompt)) {
        return region_.begin + opening(std::string_view(prompt->text).substr(*messages_end));
      }
    }
    // The messages before this one are refused, or none: how does it ask for an answer to the whole?
    if (const auto next = render_first(chat_, chat_.messages.size(), true)) {
      if (const auto messages_end = end_of_messages(*next)) {
        return region_.begin + opening(std::string_view(next->text).substr(*messages_end));
      }
    }
    fail_turn(chat_, message_, "where this turn begins");
  }

  /// How much of what the loop wrote is the opening of a turn, of which `asked` is how the template asks for
  /// an answer.
  std::size_t opening(std::string_view asked) const {
    const std::string_view written = region_text();
    const auto shared = static_cast<std::size_t>(
        std::mismatch(asked.begin(), asked.end(), written.begin(), written.end()).first - asked.begin());
    if (shared == asked.size()) {
      return shared;
    }
    if (const auto further = opening_further_in(asked)) {
      return *further;
    }
    // Only whole lines and whole special tokens: `<think>` and `<tool_call>` share a `<t` that opens nothing.
    std::size_t opened = 0;
    if (const std::size_t line = written.substr(0, shared).rfind('\n'); line != std::string_view::npos) {
      opened = line + 1;
    }
    for (const Token& token : chat_.tokens) {
      if (token.begin >= region_.begin && token.end <= region_.begin + shared && may_end_turn(chat_, token)) {
        opened = std::max(opened, token.end - region_.begin);
      }
    }
    if (opened == 0 && region_.begin == 0) {
      fail_turn(chat_, message_, "where this turn begins");
    }
    return opened;
  }

  /// The opening where something else comes before it: white space, or, in front of everything, a BOS or a
  /// system message of the template's own.
  std::optional<std::size_t> opening_further_in(std::string_view asked) const {
    const std::string_view written = region_text();
    const std::size_t word = asked.find_first_not_of(kBlank);
    if (word == std::string_view::npos) {
      return 0;
    }
    const std::size_t at = written.find(asked.substr(word));
    if (at != std::string_view::npos && (region_.begin == 0 || at == written.find_first_not_of(kBlank))) {
      return at + asked.size() - word;
    }
    // The prompt may end the whole conversation first, as with an EOS.
    for (const Token& token : chat_.tokenizer.tokenize(asked, false)) {
      if (may_end_turn(chat_, token) && written.starts_with(asked.substr(token.begin))) {
        return asked.size() - token.begin;
      }
    }
    return {};
  }

  /// The token that covers the byte at `position`, if it may end a turn.
  const Token* end_token(std::size_t position) const {
    const auto found = std::find_if(chat_.tokens.begin(), chat_.tokens.end(), [&](const Token& token) {
      return token.begin <= position && position < token.end;
    });
    return found != chat_.tokens.end() && may_end_turn(chat_, *found) ? &*found : nullptr;
  }

  std::size_t find_end(std::size_t begin) const {
    const std::size_t last = text_.substr(0, region_.end).find_last_not_of(kBlank);
    if (last != std::string_view::npos && last >= begin) {
      if (const Token* token = end_token(last)) {
        return token->end;
      }
    }
    if (const auto end = end_behind(chat_, region_.end)) {
      return *end;
    }
    fail_no_end(chat_, message_);
  }

  /// What others say, replaced, must leave the turn as it is.
  void check_foreign(std::size_t begin, const std::optional<Rendered>& marked) const {
    const auto region = marked ? region_of(*marked, message_) : std::nullopt;
    if (!region) {
      return;
    }
    const std::string_view written =
        std::string_view(marked->text).substr(region->begin, region->end - region->begin);
    if (written.find(unused_mark(chat_)) != std::string_view::npos &&
        !written.ends_with(text_.substr(begin, region_.end - begin))) {
      fail_turn(chat_, message_, "where this turn ends and what others say begins");
    }
  }

  const RenderedChat& chat_;
  std::string_view text_;
  std::size_t message_;
  Region region_;
};

}  // namespace

std::optional<ByteRange> find_turn_by_loop(const RenderedChat& chat, std::size_t message,
                                           const std::optional<Rendered>& marked) {
  const auto region = region_of(chat.rendered, message);
  if (!region) {
    return {};
  }
  return LoopTurn(chat, message, *region).find(marked);
}

std::optional<Rendered> render_others_marked(const RenderedChat& chat) {
  const std::string mark = unused_mark(chat);
  Json messages = chat.messages;
  for (Json& message : messages) {
    if (message["role"] != "assistant" && message.contains("content") && message["content"].is_string()) {
      message["content"] = mark;
    }
  }
  return render_again(chat, messages, false);
}

}  // namespace lore
