#include "lore/corpus/name_pattern.h"

#include <algorithm>
#include <optional>

#include "lore/core/utf8.h"

namespace lore {
namespace {

/// The first character of `text`: well-formed UTF-8, else one byte.
std::string_view front(std::string_view text) {
  return text.substr(0, std::max<std::size_t>(well_formed_length(text), 1));
}

/// Order by code point, which is that of UTF-8's bytes.
bool within(std::string_view character, std::string_view first, std::string_view last) {
  return first <= character && character <= last;
}

struct SetMatch {
  bool matches;
  std::size_t length;  ///< of the set in the pattern
};

/// `pattern` begins with `[`. Nothing where the set has no end.
std::optional<SetMatch> match_set(std::string_view pattern, std::string_view character) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  i += negated ? 1 : 0;
  bool found = false;
  // A `]` right at the front is one of the set.
  for (bool is_first = true; i < pattern.size() && (is_first || pattern[i] != ']'); is_first = false) {
    const std::string_view first = front(pattern.substr(i));
    i += first.size();
    std::string_view last = first;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      last = front(pattern.substr(i + 1));
      i += 1 + last.size();
    }
    found = found || within(character, first, last);
  }
  if (i >= pattern.size()) {
    return {};
  }
  return SetMatch{found != negated, i + 1};
}

/// How much of the pattern matches the character; nothing where it does not. REQUIRES no `*` at the front.
std::optional<std::size_t> match_one(std::string_view pattern, std::string_view character) {
  if (pattern.empty()) {
    return {};
  }
  if (pattern[0] == '?') {
    return 1;
  }
  if (pattern[0] == '[') {
    if (const auto set = match_set(pattern, character)) {
      return set->matches ? std::optional(set->length) : std::nullopt;
    }
  }
  return pattern.starts_with(character) ? std::optional(character.size()) : std::nullopt;
}

}  // namespace

bool is_pattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

bool matches_name(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) {
    return false;
  }
  // Of several `*` only the last needs to be tried again.
  std::optional<std::string_view> after_star;
  std::string_view retry;
  while (!name.empty()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      after_star = pattern;
      retry = name;
      continue;
    }
    const std::string_view character = front(name);
    if (const auto length = match_one(pattern, character)) {
      pattern.remove_prefix(*length);
      name.remove_prefix(character.size());
    } else if (after_star) {
      retry.remove_prefix(front(retry).size());
      pattern = *after_star;
      name = retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

}  // namespace lore
