#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// Sets of words that may stand for one another where nothing but the person changes.
struct SwapList {
  std::string name;  ///< "gender"
  /// Each set holds words of the same use: {"he", "she"}. A word may hold a range of whole numbers, as in
  /// "aged {18-34}"; then all words of its set do. A set of one word protects that word from being part of
  /// another match: {"其他"} against 他.
  std::vector<std::vector<std::string>> sets;
};

/// The lists of a JSON text: `{"gender": [["he", "she"], ["先生", "女士"]], ...}`.
/// Throws: Error kInput, subject "FILE: 'gender': set 2".
std::vector<SwapList> parse_swap_lists(std::string_view json, const std::string& file);

/// The lists that Lore brings along, Chinese and English: gender, names, regions, ages.
const std::vector<SwapList>& bundled_swap_lists();

/// The lists that `names` names: bundled ones, or files of lists, their paths relative to `folder`; all
/// bundled ones where it is empty. Throws: Error kInput for a name that is neither; as parse_swap_lists.
std::vector<SwapList> choose_swap_lists(std::span<const std::string> names,
                                        const std::filesystem::path& folder);

}  // namespace lore
