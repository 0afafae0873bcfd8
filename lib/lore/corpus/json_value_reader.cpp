#include "lore/corpus/json_value_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lore/core/error.h"
#include "lore/corpus/line_reader.h"

namespace lore {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";
/// Brackets that are matched by kind; deeper ones are only counted. A row has at most 64 levels.
constexpr std::size_t kMatchedLevels = 128;

/// Follows brackets and strings through a value.
class Brackets {
 public:
  enum class Place { kInside, kOutside, kBroken, kMismatch };

  /// Where `c` leads. Outside is a comma or a closing bracket that is none of the value. A raw line end is
  /// never part of a string: the quote is missing, which is an error of this value alone. It is broken off
  /// where the next line begins an object, as in a file of one object a line.
  Place pass(char c) {
    if (is_broken_ && c != ' ' && c != '\t' && c != '\n' && c != '\r') {
      is_broken_ = false;
      if (c == '{') {
        return Place::kBroken;
      }
    }
    if (in_string_) {
      is_broken_ = c == '\n' || c == '\r';
      in_string_ = !is_broken_ && (is_escaped_ || c != '"');
      is_escaped_ = !is_escaped_ && c == '\\';
      return Place::kInside;
    }
    switch (c) {
      case '"':
        in_string_ = true;
        is_escaped_ = false;
        break;
      case '{':
      case '[':
        if (levels_++ < kMatchedLevels) {
          open_.push_back(c);
        }
        break;
      case '}':
      case ']':
        return close(c);
      case ',':
        return levels_ == 0 ? Place::kOutside : Place::kInside;
      default:
        break;
    }
    return Place::kInside;
  }

  std::size_t levels() const { return levels_; }

 private:
  Place close(char c) {
    if (levels_ == 0) {
      return Place::kOutside;
    }
    if (--levels_ < kMatchedLevels) {
      const char opened = open_.back();
      open_.pop_back();
      return (opened == '{') == (c == '}') ? Place::kInside : Place::kMismatch;
    }
    return Place::kInside;
  }

  std::string open_;
  std::size_t levels_ = 0;
  bool in_string_ = false;
  bool is_broken_ = false;
  bool is_escaped_ = false;
};

}  // namespace

void JsonValueReader::take(std::size_t count) {
  lines_.pass(text_.rest().substr(0, count));
  text_.take(count);
}

int JsonValueReader::peek() {
  for (std::string_view rest = text_.rest(); !rest.empty(); rest = text_.rest()) {
    const std::size_t first = rest.find_first_not_of(kWhiteSpace);
    take(std::min(first, rest.size()));
    if (first != std::string_view::npos) {
      return static_cast<unsigned char>(rest[first]);
    }
  }
  return kEnd;
}

JsonText JsonValueReader::element() { return value(false); }

JsonText JsonValueReader::bracketed() { return value(true); }

JsonText JsonValueReader::value(bool ends_with_bracket) {
  peek();
  JsonText value{.line = line()};
  Brackets brackets;
  bool is_found = false;
  bool is_broken = false;
  for (std::string_view rest = text_.rest(); !is_found && !rest.empty(); rest = text_.rest()) {
    std::size_t length = 0;
    while (length < rest.size()) {
      const char c = rest[length];
      const Brackets::Place place = brackets.pass(c);
      if (place == Brackets::Place::kMismatch) {
        take(length);
        throw Error(
            ErrorKind::kInput, text_.at(line()),
            fmt::format("'{}' closes a bracket of the other kind, in the row that begins in line {}; what "
                        "follows cannot be told apart into rows",
                        c, value.line));
      }
      is_broken = place == Brackets::Place::kBroken;
      is_found = is_broken || place == Brackets::Place::kOutside;
      if (is_found) {
        break;
      }
      lines_.pass(c);
      ++length;
      if (ends_with_bracket && brackets.levels() == 0) {
        is_found = true;
        break;
      }
    }
    const std::size_t room = kLongestRow - value.text.size();
    value.is_too_long = value.is_too_long || length > room;
    value.text.append(rest.substr(0, std::min(length, room)));
    text_.take(length);
  }
  value.is_closed = is_broken || brackets.levels() == 0;
  value.text.resize(value.text.find_last_not_of(kWhiteSpace) + 1);
  return value;
}

}  // namespace lore
