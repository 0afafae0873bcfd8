#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/corpus/glossary.h"
#include "lore/eval/text_units.h"

namespace lore {

/// A way to write a term of a glossary.
struct TermForm {
  std::size_t term;  ///< index into the glossary
  std::string text;
  std::string language;
  bool is_forbidden;
};

/// A form found in the bytes [begin, end) of a text.
struct TermMatch {
  std::size_t form;  ///< index into TermMatcher::forms()
  std::size_t begin;
  std::size_t end;

  bool operator==(const TermMatch&) const = default;
};

/// Finds the terms of a glossary and their forbidden forms in texts.
///
/// Compared are words. Case, full and half width, and traditional and simplified Chinese characters are the
/// same. In Chinese every character is a word; a run of letters and digits of other scripts is one, so "gate"
/// is not in "investigate". Between words a space and a hyphen are the same, a hyphen may be left out, and
/// between Chinese and Latin script a space may stand or not. English words match in the plural, the
/// possessive, -ing and -ed (inflection_distance).
///
/// Longer matches come first, and what they cover holds no further match: 阈值 inside 风控阈值 is none. Of
/// forms that match the same bytes those written just so win, then the nearest inflection, then right forms.
/// Immutable, usable from several threads at once.
class TermMatcher {
 public:
  /// Of all right forms (term and translations) and forbidden forms of the glossary.
  explicit TermMatcher(std::span<const GlossaryTerm> terms);

  /// In the order of their places. A text that is a form of several terms gives a match of each.
  std::vector<TermMatch> find(std::string_view text) const;
  const std::vector<TermForm>& forms() const { return forms_; }

 private:
  void add(TermForm form);

  std::vector<TermForm> forms_;
  std::vector<std::vector<TextUnit>> units_;                     ///< of each form
  std::map<char32_t, std::vector<std::size_t>> forms_by_first_;  ///< by the first character
};

}  // namespace lore
