#include "lore/corpus/line_reader.h"

#include <algorithm>

namespace lore {
namespace {

/// The first CR or LF, or the size of `text`.
std::size_t find_end(std::string_view text) {
  const std::size_t feed = std::min(text.find('\n'), text.size());
  return std::min(text.substr(0, feed).find('\r'), feed);
}

}  // namespace

std::optional<Line> LineReader::next() {
  if (after_return_ && text_.rest().starts_with('\n')) {
    text_.take(1);
  }
  after_return_ = false;
  joined_.clear();
  Line line{.number = ++number_};
  bool is_joined = false;
  for (std::string_view rest = text_.rest(); !rest.empty(); rest = text_.rest()) {
    const std::size_t end = find_end(rest);
    const bool is_complete = end < rest.size();
    if (is_complete && !is_joined) {
      line.text = rest.substr(0, end);
    } else {
      is_joined = true;
      const std::size_t room = kLongestRow - joined_.size();
      line.is_too_long = line.is_too_long || end > room;
      joined_.append(rest.substr(0, std::min(end, room)));
      line.text = joined_;
    }
    after_return_ = is_complete && rest[end] == '\r';
    text_.take(end + (is_complete ? 1 : 0));
    if (is_complete) {
      line.has_end = true;
      return line;
    }
  }
  return is_joined ? std::optional(line) : std::nullopt;
}

}  // namespace lore
