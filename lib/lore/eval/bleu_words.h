#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// The words of a text as sacrebleu's tokenizer `13a` (mteval-v13a of NIST) cuts it: punctuation on its own,
/// but for a period or comma between digits. REQUIRES valid UTF-8.
std::vector<std::u32string> bleu_words_13a(std::string_view text);

/// As sacrebleu's tokenizer `zh` cuts it: each character of what that calls Chinese on its own, the rest as
/// `13a`.
std::vector<std::u32string> bleu_words_zh(std::string_view text);

}  // namespace lore
