#include "lore/eval/english_inflection.h"

#include <algorithm>
#include <string>
#include <vector>

namespace lore {
namespace {

constexpr std::size_t kShortestBase = 3;
constexpr int kPlural = 1;
constexpr int kVerbForm = 2;

/// A word that an inflected one may be made of.
struct Base {
  std::u32string word;
  int distance;
};

bool is_vowel(char32_t letter) { return std::u32string_view(U"aeiouy").find(letter) != std::u32string::npos; }

void add(std::vector<Base>& bases, std::u32string word, int distance) {
  const bool known =
      std::any_of(bases.begin(), bases.end(), [&](const Base& base) { return base.word == word; });
  if (word.size() >= kShortestBase && !known && std::any_of(word.begin(), word.end(), is_vowel)) {
    bases.push_back({std::move(word), distance});
  }
}

std::u32string_view without_possessive(std::u32string_view word) {
  for (const std::u32string_view ending : {U"'s", U"\u2019s"}) {
    if (word.ends_with(ending)) {
      return word.substr(0, word.size() - 2);
    }
  }
  return word.ends_with(U'\'') || word.ends_with(U'\u2019') ? word.substr(0, word.size() - 1) : word;
}

/// The singulars that a plural in -s may have.
void add_singulars(std::vector<Base>& bases, const std::u32string& word, int distance) {
  if (!word.ends_with(U's') || word.ends_with(U"ss") || word.ends_with(U"us") || word.ends_with(U"is")) {
    return;
  }
  add(bases, word.substr(0, word.size() - 1), distance);
  if (!word.ends_with(U"es")) {
    return;
  }
  const std::u32string stem = word.substr(0, word.size() - 2);
  if (stem.ends_with(U'i')) {
    add(bases, stem.substr(0, stem.size() - 1) + U"y", distance);
  }
  if (stem.ends_with(U's')) {
    add(bases, stem + U"is", distance);
  }
  for (const std::u32string_view ending : {U"s", U"x", U"z", U"ch", U"sh", U"o"}) {
    if (stem.ends_with(ending)) {
      add(bases, stem, distance);
    }
  }
}

/// The verbs that a form in -ing or -ed may be of: hedg(ing) -> hedge, plann(ed) -> plan, verifi(ed) ->
/// verify.
void add_verbs(std::vector<Base>& bases, const std::u32string& word, int distance) {
  for (const std::u32string_view ending : {U"ing", U"ed"}) {
    if (!word.ends_with(ending) || word.size() < kShortestBase + ending.size() - 1) {
      continue;
    }
    const std::u32string stem = word.substr(0, word.size() - ending.size());
    add(bases, stem, distance);
    add(bases, stem + U"e", distance);
    const std::size_t length = stem.size();
    if (length > kShortestBase && stem[length - 1] == stem[length - 2] && !is_vowel(stem.back())) {
      add(bases, stem.substr(0, length - 1), distance);
    }
    if (stem.ends_with(U'i')) {
      add(bases, stem.substr(0, length - 1) + U"y", distance);
    }
  }
}

std::vector<Base> bases_of(std::u32string_view word) {
  std::vector<Base> bases{{std::u32string(word), 0}};
  const std::u32string owner(without_possessive(word));
  if (owner.size() != word.size()) {
    add(bases, owner, kPlural);
  }
  add_singulars(bases, owner, kPlural);
  for (std::size_t i = 0, count = bases.size(); i < count; ++i) {
    const Base base = bases[i];
    add_verbs(bases, base.word, base.distance + kVerbForm);
  }
  return bases;
}

}  // namespace

std::optional<int> inflection_distance(std::u32string_view a, std::u32string_view b) {
  if (a == b) {
    return 0;
  }
  std::optional<int> least;
  const std::vector<Base> of_b = bases_of(b);
  for (const Base& from_a : bases_of(a)) {
    for (const Base& from_b : of_b) {
      const int distance = from_a.distance + from_b.distance;
      if (from_a.word == from_b.word && (!least || distance < *least)) {
        least = distance;
      }
    }
  }
  return least;
}

}  // namespace lore
