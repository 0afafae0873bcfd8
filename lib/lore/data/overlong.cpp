#include "lore/data/overlong.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"error", "split", "truncate_right", "truncate_left",
                                                    "drop"};

Fitted split(const Example& example, std::size_t max_length) {
  Fitted fitted;
  fitted.split = true;
  const std::size_t count = example.ids.size();
  for (std::size_t begin = 0; begin + 1 < count; begin += max_length - 1) {
    const auto first = static_cast<std::ptrdiff_t>(begin);
    const auto last = static_cast<std::ptrdiff_t>(std::min(begin + max_length, count));
    Example piece{{example.ids.begin() + first, example.ids.begin() + last},
                  {example.trained.begin() + first, example.trained.begin() + last},
                  example.source};
    if (begin > 0) {
      piece.trained.front() = 0;
    }
    if (count_trained(piece) == 0) {
      ++fitted.unlabelled;
    } else {
      fitted.examples.push_back(std::move(piece));
    }
  }
  return fitted;
}

void truncate(Example& example, std::size_t max_length, bool left) {
  const std::size_t tokens = example.ids.size();
  const auto excess = static_cast<std::ptrdiff_t>(tokens - max_length);
  const auto cut = [&](auto& values) {
    const auto begin = left ? values.begin() : values.end() - excess;
    values.erase(begin, begin + excess);
  };
  cut(example.ids);
  cut(example.trained);
  if (count_trained(example) == 0) {
    throw Error(
        ErrorKind::kInput, example.source,
        fmt::format("has no trained token left in {} of its {} tokens (data.max_length, data.overlong)",
                    max_length, tokens));
  }
}

}  // namespace

Overlong parse_overlong(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    throw Error(ErrorKind::kUsage, "data.overlong",
                fmt::format("'{}' is not one of error, split, truncate_right, truncate_left, drop", name));
  }
  return static_cast<Overlong>(found - kNames.begin());
}

Fitted fit(Example example, std::int64_t max_length, Overlong overlong) {
  const auto most = static_cast<std::size_t>(max_length);
  Fitted fitted;
  if (example.ids.size() > most) {
    switch (overlong) {
      case Overlong::kError:
        throw Error(
            ErrorKind::kInput, example.source,
            fmt::format("has {} tokens, more than data.max_length {}: raise it, shorten the row, or set "
                        "data.overlong to split, truncate_right, truncate_left or drop",
                        example.ids.size(), most));
      case Overlong::kDrop:
        fitted.dropped = true;
        return fitted;
      case Overlong::kSplit:
        return split(example, most);
      case Overlong::kTruncateRight:
      case Overlong::kTruncateLeft:
        truncate(example, most, overlong == Overlong::kTruncateLeft);
        fitted.truncated = true;
    }
  }
  fitted.examples.push_back(std::move(example));
  return fitted;
}

}  // namespace lore
