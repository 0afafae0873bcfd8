#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// What stands between two groups of digits of one run.
enum class Gap { kStart, kSpace, kHyphen, kDot, kOpen, kClose };

/// Digits without anything between them.
struct NumberGroup {
  std::size_t begin;  ///< in the text, in bytes
  std::size_t end;
  std::size_t at;  ///< in the run's digits
  std::size_t count;
  Gap gap;  ///< before it
};

/// Groups of digits that may together be one number: with one space, hyphen, dot or parenthesis between them.
/// Full-width digits and signs count as ASCII ones.
struct NumberRun {
  std::string digits;
  std::vector<NumberGroup> groups;
  std::size_t begin = 0;  ///< of what belongs to the first group: `+` and `(` included
  std::size_t end = 0;
  bool plus = false;  ///< `+` before the first group
  bool open = false;  ///< `(` before the first group

  std::string_view group(std::size_t i) const {
    return std::string_view(digits).substr(groups[i].at, groups[i].count);
  }
  /// The digits of groups `first` to `last`.
  std::string_view joined(std::size_t first, std::size_t last) const {
    return std::string_view(digits).substr(groups[first].at,
                                           groups[last].at + groups[last].count - groups[first].at);
  }
  /// True where `gap` stands before each group after `first` up to `last`.
  bool uniform(std::size_t first, std::size_t last, Gap gap) const;
  /// False where a space parts groups `first` to `last` from others: then they may be cells of a table.
  bool stands_alone(std::size_t first, std::size_t last) const;
};

/// A character as ASCII where it is a width or typographic variant of an ASCII character.
struct FoldedCharacter {
  char character;  ///< `kOther` for what has no such form, `kNothing` for what is invisible or no character
  std::size_t length;  ///< bytes; 0 at the end of the text
};
inline constexpr char kOther = '\x80';
inline constexpr char kNothing = '\0';

FoldedCharacter folded_at(std::string_view text, std::size_t position);
/// The character that ends before `position`.
FoldedCharacter folded_before(std::string_view text, std::size_t position);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Reads the run whose first digit is at `position`. Nothing before `floor` is taken as its beginning.
void read_number_run(std::string_view text, std::size_t floor, std::size_t position, NumberRun& run);

}  // namespace lore
