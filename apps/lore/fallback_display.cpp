#include "fallback_display.h"

#include <fmt/format.h>

#include <map>
#include <utility>

void print_fallbacks(Console& console, std::span<const lore::GgufFallback> fallbacks) {
  std::map<std::pair<lore::GgmlType, lore::GgmlType>, std::vector<std::string>> tensors;
  for (const lore::GgufFallback& fallback : fallbacks) {
    tensors[{fallback.wanted, fallback.stored}].push_back(fallback.tensor);
  }
  for (const auto& [types, names] : tensors) {
    constexpr std::size_t kShown = 4;
    std::string list;
    for (std::size_t i = 0; i < names.size() && i < kShown; ++i) {
      list += (i > 0 ? ", " : "") + names[i];
    }
    console.result(
        fmt::format("{:<10} {} tensor(s) instead of {}, whose rows are no whole blocks of {}: {}{}",
                    lore::name_of(types.second), names.size(), lore::name_of(types.first),
                    lore::block_layout(types.first)->elements, list, names.size() > kShown ? ", ..." : ""));
  }
}

std::vector<std::string> tensor_names(std::span<const lore::GgufFallback> fallbacks) {
  std::vector<std::string> names;
  names.reserve(fallbacks.size());
  for (const lore::GgufFallback& fallback : fallbacks) {
    names.push_back(fallback.tensor);
  }
  return names;
}
