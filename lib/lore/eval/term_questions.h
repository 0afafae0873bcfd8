#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "lore/corpus/glossary.h"
#include "lore/corpus/row.h"
#include "lore/eval/term_matching.h"

namespace lore {

/// A question whose answer should use a term of a glossary.
struct TermQuestion {
  std::string id;
  std::string task;               ///< given (a row of its own), naming, definition, translation
  std::size_t term = 0;           ///< index into the glossary
  std::string language;           ///< that the answer should be in: primary, as "zh"
  std::string direction;          ///< of a translation, as "zh_en"; else empty
  nlohmann::ordered_json prompt;  ///< {"messages": [...]} or {"prompt": text}
  std::string reference;          ///< a right answer
  /// The place at which the right term and its forbidden forms compete: what of an answer stands before it.
  /// The right term is empty where there is none, or nothing is forbidden in the language.
  std::string begun;
  std::string right;
  std::vector<std::string> forbidden;
  std::map<std::string, std::string> groups;
  std::string place;  ///< "file:line"
};

/// The question of a row of {"messages": [..., the right answer], "term": id}, or of {"prompt", "completion",
/// "term"}. The right term competes where the right answer has it. A question that has the term in another
/// language than the answer is a translation. Throws: Error kInput, subject the column.
TermQuestion read_term_question(const Row& row, std::span<const GlossaryTerm> terms,
                                const TermMatcher& matcher);

/// Questions made of a glossary, for each term in the order of the glossary: in every language that has a
/// definition which is it (naming) and what it means (definition), and its translations from and to the
/// term's language. In Chinese and English; a term of other languages makes none.
std::vector<TermQuestion> make_term_questions(std::span<const GlossaryTerm> terms);

}  // namespace lore
