#include "lore/recipe/keys.h"

#include <algorithm>
#include <string>

#include "lore/core/suggestion.h"
#include "lore/recipe/describe_matrix.h"
#include "lore/recipe/json_values.h"

namespace lore {
namespace {

constexpr std::size_t kMostSuggestionBytes = 64;  // the edit distance is quadratic

/// Lists the keys of one section, and below.
class KeyLister {
 public:
  KeyLister(std::vector<RecipeKey>& keys, std::string prefix) : keys_(keys), prefix_(std::move(prefix)) {}

  template <class Member>
  void operator()(std::string_view key, const Member& member, const Field& field) {
    const std::string name = prefix_ + std::string(key);
    RecipeKey described{name, type_name<Member>(), "", Section<const Member>, MappingField<Member>, field};
    if constexpr (Section<const Member>) {
      keys_.push_back(std::move(described));
      KeyLister inner(keys_, name + ".");
      describe(member, inner);
    } else {
      described.default_value = is_unset(member) ? "" : flow_yaml(to_json_value(member));
      keys_.push_back(std::move(described));
      list_elements(name, member);
    }
  }

 private:
  template <class Member>
  void list_elements(const std::string& name, const Member&) {
    if constexpr (ListField<Member>) {
      using Element = typename FieldType<Member>::Inner;
      if constexpr (Section<const Element>) {
        const Element element{};
        KeyLister inner(keys_, name + "[].");
        describe(element, inner);
      }
    }
  }

  std::vector<RecipeKey>& keys_;
  std::string prefix_;
};

template <class Spec>
std::vector<RecipeKey> list_keys(const Spec& spec) {
  std::vector<RecipeKey> keys;
  KeyLister lister(keys, "");
  describe(spec, lister);
  return keys;
}

std::string_view section_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : name.substr(0, dot);
}

std::string_view leaf_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

/// `data.train[3]` as the description names it: `data.train[]`.
std::string without_indices(std::string_view name) {
  std::string result;
  bool inside = false;
  for (const char c : name) {
    inside = c == '[' || (inside && c != ']');
    if (!inside || c == '[') {
      result += c;
    }
  }
  return result;
}

bool holds_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::string_view first = words.substr(0, words.find(' '));
    if (first == word) {
      return true;
    }
    words.remove_prefix(std::min(words.size(), first.size() + 1));
  }
  return false;
}

}  // namespace

const std::vector<RecipeKey>& recipe_keys() {
  static const std::vector<RecipeKey> keys = list_keys(Recipe());
  return keys;
}

const std::vector<RecipeKey>& matrix_keys() {
  static const std::vector<RecipeKey> keys = list_keys(MatrixSpec());
  return keys;
}

std::string suggested_key(std::string_view section, std::string_view key,
                          const std::vector<RecipeKey>& keys) {
  if (key.size() > kMostSuggestionBytes) {
    return "";
  }
  const std::string home = without_indices(section);
  std::vector<std::string> siblings;
  std::string elsewhere;
  for (const RecipeKey& known : keys) {
    const std::string_view leaf = leaf_of(known.name);
    const bool sibling = section_of(known.name) == home;
    const bool same = leaf == key || known.name == key || holds_word(known.field.also_known_as, key);
    if (sibling && same) {
      return std::string(leaf);
    }
    if (sibling) {
      siblings.emplace_back(leaf);
    } else if (same && elsewhere.empty()) {
      elsewhere = known.name;
    }
  }
  return elsewhere.empty() ? nearest_name(key, siblings) : elsewhere;
}

}  // namespace lore
