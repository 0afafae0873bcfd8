#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/corpus/row.h"
#include "lore/recipe/specs.h"

namespace lore {

/// One term of a glossary. Languages are tags as in BCP 47: `zh`, `en`, `zh-Hant`, `en-GB`.
struct GlossaryTerm {
  std::string id;  ///< empty where the glossary gives none
  std::string term;
  std::string language;  ///< of `term`, `definition`
  std::string definition;
  std::map<std::string, std::string> translations;            ///< by language
  std::map<std::string, std::string> definitions;             ///< by other languages
  std::map<std::string, std::vector<std::string>> forbidden;  ///< wrong or deprecated forms by language
  std::string domain;
  std::string source;  ///< who says so
  std::string place;   ///< "file:line"

  bool operator==(const GlossaryTerm&) const = default;
};

/// The columns of a glossary: `id`, `term`, `language`, `definition`, `domain`, `source`, and
/// `translations`, `definitions`, `forbidden` as objects by language or, in a table, as one column a
/// language: `translation.en` (or `translations.en`), `definition.en`, `forbidden.zh`. Lists in a cell are
/// separated by
/// `;`, `|`, `、` or `；`. Plain `forbidden` is of the term's language; plain `translation` is English for a
/// Chinese term and Chinese for an English one where its script says so. Without `language` the script of the
/// term decides.
/// Throws: Error kInput, subject the column.
GlossaryTerm read_glossary_term(const Row& row);

/// All terms of a source. Throws: Error kInput, subject "file:line", for the first bad row.
std::vector<GlossaryTerm> read_glossary(const SourceSpec& source);

/// What is wrong with a glossary as a whole.
struct GlossaryProblem {
  std::string place;  ///< "file:line" of the later term
  std::string why;    ///< names the other place
};

/// Ids and terms that occur twice (terms of one language, case and width aside), and forbidden forms that are
/// a term or a translation. In the order of the terms.
std::vector<GlossaryProblem> check_glossary(std::span<const GlossaryTerm> terms);

/// The tag with the usual capitals (`zh-Hant-TW`). Throws: Error kInput where it is no language tag.
std::string language_tag(std::string_view text);

/// `zh` of `zh-Hant-TW`.
std::string_view primary_language(std::string_view tag);

/// The entry of a language: of that very tag, else the first with the same primary language; or null.
template <class Value>
const Value* find_language(const std::map<std::string, Value>& by_language, std::string_view language) {
  const Value* found = nullptr;
  for (const auto& [tag, value] : by_language) {
    if (tag == language) {
      return &value;
    }
    if (found == nullptr && primary_language(tag) == language) {
      found = &value;
    }
  }
  return found;
}

}  // namespace lore
