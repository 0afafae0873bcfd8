#include "lore/data/assistant_spans.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lore/core/error.h"
#include "lore/data/turn_by_content.h"
#include "lore/data/turn_by_loop.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

bool says_something(const Json& message) {
  return std::any_of(message.items().begin(), message.items().end(), [](const auto& entry) {
    const Json& value = entry.value();
    const bool text = value.is_string() && value.template get_ref<const std::string&>().find_first_not_of(
                                               " \t\r\n") != std::string::npos;
    return entry.key() != "role" && (text || ((value.is_array() || value.is_object()) && !value.empty()));
  });
}

bool is_assistant(const Json& message) { return message["role"] == "assistant"; }

/// The assistant's message that wrote what begins at `begin`: the innermost one that the loop stood at, else
/// the last one before it.
std::optional<std::size_t> owner_of(const RenderedChat& chat, std::size_t begin) {
  std::optional<std::size_t> before;
  std::size_t before_end = 0;
  for (const MessageSpan& span : chat.rendered.message_spans) {
    if (!is_assistant(chat.messages[span.message])) {
      continue;
    }
    if (span.begin <= begin && begin < span.end) {
      return span.message;
    }
    if (span.end <= begin && span.end >= before_end) {
      before = span.message;
      before_end = span.end;
    }
  }
  return before;
}

}  // namespace

std::vector<ByteRange> find_assistant_spans(const RenderedChat& chat, std::span<const std::size_t> wanted) {
  const auto& written = chat.rendered.message_spans;
  const auto marked = written.empty() ? std::nullopt : render_others_marked(chat);
  std::vector<ByteRange> spans;
  std::size_t earliest = 0;
  for (const std::size_t message : wanted) {
    if (const auto turn = find_turn_by_loop(chat, message, marked)) {
      spans.push_back(*turn);
    } else if (written.empty() || says_something(chat.messages[message])) {
      spans.push_back(find_turn_by_content(chat, message, earliest));
    } else {
      continue;
    }
    earliest = spans.back().second;
  }
  return spans;
}

std::vector<ByteRange> find_marked_spans(const RenderedChat& chat, std::span<const std::size_t> wanted) {
  const auto refuse = [&](std::string_view what) {
    throw Error(ErrorKind::kInput, "row",
                fmt::format("the {{% generation %}} marks of the chat template {}:{} {}",
                            chat.chat_template.name(), chat.chat_template.generation_line(), what));
  };
  const auto assistants = std::count_if(chat.messages.begin(), chat.messages.end(), is_assistant);
  const bool all = static_cast<std::size_t>(assistants) == wanted.size();
  std::vector<ByteRange> spans;
  for (const ByteRange& span : chat.rendered.generation_spans) {
    if (span.first == span.second) {
      continue;
    }
    const auto owner = owner_of(chat, span.first);
    if (!all && !owner) {
      refuse("do not show whose turn they are in, and not all of the assistant's turns are to be trained");
    }
    if (all || std::binary_search(wanted.begin(), wanted.end(), *owner)) {
      spans.push_back(span);
    }
  }
  if (spans.empty()) {
    refuse("cover nothing of what is to be trained in this conversation");
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
