#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lore/eval/windows.h"
#include "lore/recipe/specs.h"
#include "lore/text/tokenizer.h"

namespace lore {

/// A text that is scored whole.
struct EvaluationText {
  std::vector<std::int32_t> ids;  ///< with the special tokens that the tokenizer itself puts around a text
  std::int64_t bytes = 0;         ///< in UTF-8
  std::int64_t words = 0;         ///< between white space
};

/// Whether a file of this name is a text rather than rows.
bool is_text_source(const SourceSpec& source);

/// Reads every file of a source and tokenizes each whole.
/// Throws: Error kInput for a file that cannot be read or is no text, with the line.
std::vector<EvaluationText> read_texts(const SourceSpec& source, const Tokenizer& tokenizer);

}  // namespace lore
