#include "lore/recipe/field.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lore {

bool Range::bounded() const { return std::isfinite(minimum) || std::isfinite(maximum); }

bool Range::contains(double value) const {
  const bool above_minimum = minimum_excluded ? value > minimum : value >= minimum;
  const bool below_maximum = maximum_excluded ? value < maximum : value <= maximum;
  return above_minimum && below_maximum;
}

bool matches_choice(std::string_view choice, std::string_view text) {
  const std::string_view stem = choice.substr(0, choice.size() - 1);
  if (!ends_with_number(choice) || !text.starts_with(stem)) {
    return choice == text;
  }
  const std::string_view digits = text.substr(stem.size());
  return !digits.empty() && digits.size() <= 3 &&
         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

std::string Range::text() const {
  std::string text;
  if (std::isfinite(minimum)) {
    text = fmt::format("{} {}", minimum_excluded ? "greater than" : "at least", minimum);
  }
  if (std::isfinite(maximum)) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " and ", maximum_excluded ? "less than" : "at most",
                        maximum);
  }
  return text;
}

}  // namespace lore
