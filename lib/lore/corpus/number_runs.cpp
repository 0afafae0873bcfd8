#include "lore/corpus/number_runs.h"

#include <algorithm>

#include "lore/core/utf8.h"

namespace lore {
namespace {

std::size_t character_length(std::string_view text, std::size_t position) {
  const auto lead = static_cast<unsigned char>(text[position]);
  const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(length, text.size() - position);
}

/// The gap that a few signs between digits are, or kStart where they are none.
Gap gap_of(std::string_view signs) {
  if (signs == " ") {
    return Gap::kSpace;
  }
  if (signs == "-" || signs == " - ") {
    return Gap::kHyphen;
  }
  if (signs == ".") {
    return Gap::kDot;
  }
  if (signs == "(" || signs == " (") {
    return Gap::kOpen;
  }
  if (signs == ")" || signs == ") " || signs == ")-" || signs == ") - ") {
    return Gap::kClose;
  }
  return Gap::kStart;
}

}  // namespace

bool NumberRun::uniform(std::size_t first, std::size_t last, Gap gap) const {
  for (std::size_t i = first + 1; i <= last; ++i) {
    if (groups[i].gap != gap) {
      return false;
    }
  }
  return true;
}

bool NumberRun::stands_alone(std::size_t first, std::size_t last) const {
  const auto is_sign = [](Gap gap) { return gap == Gap::kHyphen || gap == Gap::kDot; };
  // What has hyphens of its own, as a date does, is no cell.
  const bool before = first > 0 && groups[first].gap == Gap::kSpace && !is_sign(groups[first - 1].gap);
  const bool after = last + 1 < groups.size() && groups[last + 1].gap == Gap::kSpace &&
                     (last + 2 == groups.size() || !is_sign(groups[last + 2].gap));
  return !before && !after;
}

FoldedCharacter folded_at(std::string_view text, std::size_t position) {
  if (position >= text.size()) {
    return {kNothing, 0};
  }
  const char first = text[position];
  if (static_cast<unsigned char>(first) < 0x80) {
    return {first, 1};
  }
  const std::size_t length = character_length(text, position);
  const std::string_view bytes = text.substr(position, length);
  if (bytes == "\xC2\xA0" || bytes == "\xE3\x80\x80" || bytes == "\xE2\x80\xAF") {
    return {' ', length};
  }
  if (length != 3) {
    return {kOther, length};
  }
  const unsigned code = (static_cast<unsigned>(bytes[0]) & 0x0FU) << 12 |
                        (static_cast<unsigned>(bytes[1]) & 0x3FU) << 6 |
                        (static_cast<unsigned>(bytes[2]) & 0x3FU);
  if (code >= 0xFF01 && code <= 0xFF5E) {
    return {static_cast<char>(code - 0xFF01 + '!'), length};
  }
  if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212) {
    return {'-', length};
  }
  if (code >= 0x2000 && code <= 0x200A) {
    return {' ', length};
  }
  // Zero width characters and marks of direction, which phones put around what they copy.
  if ((code >= 0x200B && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) || code == 0xFEFF) {
    return {kNothing, length};
  }
  return {kOther, length};
}

FoldedCharacter folded_before(std::string_view text, std::size_t position) {
  if (position == 0) {
    return {kNothing, 0};
  }
  std::size_t begin = position - 1;
  while (begin > 0 && position - begin < 4 && is_utf8_continuation(text[begin])) {
    --begin;
  }
  FoldedCharacter folded = folded_at(text.substr(0, position), begin);
  folded.length = position - begin;
  return folded;
}

void read_number_run(std::string_view text, std::size_t floor, std::size_t position, NumberRun& run) {
  run.digits.clear();
  run.groups.clear();
  run.plus = false;
  run.open = false;
  run.begin = position;
  while (run.begin > floor) {
    const FoldedCharacter before = folded_before(text, run.begin);
    if (run.begin - before.length < floor ||
        !((before.character == '+' && !run.plus) || (before.character == '(' && !run.open))) {
      break;
    }
    (before.character == '+' ? run.plus : run.open) = true;
    run.begin -= before.length;
  }
  std::string signs;
  Gap gap = Gap::kStart;
  bool in_group = false;
  for (std::size_t i = position; i < text.size();) {
    const auto [character, length] = folded_at(text, i);
    if (is_digit(character)) {
      if (!in_group) {
        if (!run.groups.empty()) {
          gap = gap_of(signs);
          if (gap == Gap::kStart) {
            break;
          }
        }
        run.groups.push_back({i, i, run.digits.size(), 0, gap});
        in_group = true;
      }
      run.digits.push_back(character);
      ++run.groups.back().count;
      run.groups.back().end = i + length;
      signs.clear();
    } else if (character == kNothing && length > 1) {
      // Does not end a group.
    } else if (character == ' ' || character == '-' || character == '.' || character == '(' ||
               character == ')') {
      in_group = false;
      signs.push_back(character);
      if (signs.size() > 4) {
        break;
      }
    } else {
      break;
    }
    i += length;
  }
  run.end = run.groups.back().end;
}

}  // namespace lore
