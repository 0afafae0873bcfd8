#pragma once

#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lore {

/// The numbers a key accepts.
struct Range {
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_excluded = false;
  bool maximum_excluded = false;

  bool bounded() const;
  bool contains(double value) const;
  /// "at least 1", "greater than 0 and at most 1"; empty where nothing is bounded.
  std::string text() const;

  static constexpr Range at_least(double minimum) { return {.minimum = minimum}; }
  static constexpr Range above(double minimum) { return {.minimum = minimum, .minimum_excluded = true}; }
  static constexpr Range between(double minimum, double maximum) {
    return {.minimum = minimum, .maximum = maximum};
  }
  /// [minimum, maximum)
  static constexpr Range up_to(double minimum, double maximum) {
    return {.minimum = minimum, .maximum = maximum, .maximum_excluded = true};
  }
};

/// How a string key relates to the file system.
enum class PathRule {
  kNone,         ///< not a path
  kPath,         ///< a path, resolved against the recipe's folder
  kPathOrHubId,  ///< a path, or the name of a model on a hub (`owner/name`), left as it is
  kPathOrName,   ///< one of the field's choices, a name of letters, digits, `_` and `-`, or a path
};

/// A value that other tools take, and why it is none here.
struct RefusedValue {
  std::string_view value;
  std::string_view why;
};

/// What is known of one key of a recipe besides its name, type and default.
struct Field {
  std::string_view doc;  ///< what it is, its unit, what follows from it; one paragraph of Markdown
  bool required = false;
  Range range = {};  ///< of a number, of each number of a list or a mapping
  /// All that a string key accepts; the N of `:N` or `_N` at the end of one stands for one to three digits.
  std::vector<std::string_view> choices = {};
  std::vector<RefusedValue> refused = {};  ///< of a key with choices
  PathRule path = PathRule::kNone;
  /// YAML of the key in the starting recipe; empty where the starting recipe leaves the key out.
  std::string_view example = {};
  /// Names of the same thing in other trainers, space-separated: suggested, never accepted.
  std::string_view also_known_as = {};
};

/// True where `choice` ends with `:N` or `_N`.
constexpr bool ends_with_number(std::string_view choice) {
  return choice.ends_with(":N") || choice.ends_with("_N");
}

/// True where `text` is what `choice` of a Field's choices stands for.
bool matches_choice(std::string_view choice, std::string_view text);

/// `T` is `Spec`, const or not.
template <class T, class Spec>
concept Like = std::same_as<std::remove_const_t<T>, Spec>;

/// Bounds that keep products of counts (steps, examples, tokens) far from overflow.
inline constexpr double kMostSteps = 1e9;
inline constexpr double kMostTokens = 1 << 20;
inline constexpr double kMostExamples = 1 << 16;

}  // namespace lore
