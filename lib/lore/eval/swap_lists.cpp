#include "lore/eval/swap_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/printable.h"
#include "lore/core/suggestion.h"
#include "lore/corpus/json_text.h"
#include "lore/corpus/row_cells.h"
#include "lore/eval/word_swapper.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

/// Throws where it is not a list of texts.
std::vector<std::string> read_set(const Json& set, const std::string& subject) {
  std::vector<std::string> words;
  for (const Json& word : set.is_array() ? set : Json::array()) {
    if (!word.is_string() || is_blank(word.get_ref<const std::string&>())) {
      throw Error(ErrorKind::kInput, subject, "has a word that is no text, or an empty one");
    }
    words.push_back(word.get<std::string>());
  }
  if (words.empty()) {
    throw Error(ErrorKind::kInput, subject, "expected a list of words, as [\"he\", \"she\"]");
  }
  return words;
}

}  // namespace

std::vector<SwapList> parse_swap_lists(std::string_view json, const std::string& file) {
  std::vector<SwapList> lists;
  try {
    const Json parsed = parse_row_json(json);
    if (!parsed.is_object() || parsed.empty()) {
      throw Error(ErrorKind::kInput, "lists",
                  "expected an object of lists, as {\"gender\": [[\"he\", \"she\"]]}");
    }
    for (const auto& [name, sets] : parsed.items()) {
      SwapList& list = lists.emplace_back();
      list.name = name;
      if (!sets.is_array()) {
        throw Error(ErrorKind::kInput, in_quotes(name), "expected a list of sets, as [[\"he\", \"she\"]]");
      }
      for (std::size_t i = 0; i < sets.size(); ++i) {
        list.sets.push_back(read_set(sets[i], fmt::format("{}: set {}", in_quotes(name), i + 1)));
      }
      WordSwapper{list};
    }
  } catch (const Error& error) {
    throw error.within(file);
  }
  return lists;
}

std::vector<SwapList> choose_swap_lists(std::span<const std::string> names,
                                        const std::filesystem::path& folder) {
  const std::vector<SwapList>& bundled = bundled_swap_lists();
  if (names.empty()) {
    return bundled;
  }
  std::vector<SwapList> chosen;
  for (const std::string& name : names) {
    const auto known = std::ranges::find(bundled, name, &SwapList::name);
    if (known != bundled.end()) {
      chosen.push_back(*known);
      continue;
    }
    const std::filesystem::path file = folder / name;
    if (!std::filesystem::is_regular_file(file)) {
      std::vector<std::string> bundled_names;
      std::ranges::transform(bundled, std::back_inserter(bundled_names), &SwapList::name);
      throw Error(
          ErrorKind::kInput, "swaps",
          fmt::format("{} is neither one of the lists {} nor a file beside the rows{}", in_quotes(name),
                      fmt::join(bundled_names, ", "), did_you_mean(name, bundled_names)));
    }
    std::ranges::move(parse_swap_lists(MappedFile::open(file)->text(), file.string()),
                      std::back_inserter(chosen));
  }
  return chosen;
}

}  // namespace lore
