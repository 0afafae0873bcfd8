#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace lore {

/// Whether two texts are the same, white space at their ends aside.
bool is_exact(std::string_view answer, std::string_view reference);

/// Whether two texts have the same words and characters: case, width, traditional characters, white space,
/// hyphens and punctuation aside.
bool is_same_normalized(std::string_view answer, std::string_view reference);

/// ROUGE-L (Lin 2004): F1 of the longest common subsequence of words, 0 to 1, as rouge-score counts it
/// without its stemmer. Words are runs of ASCII letters and digits, in lower case, and single ideographs.
double rouge_l(std::string_view answer, std::string_view reference);

/// The counts of chrF (Popović 2015) of one answer, which are summed over a corpus: n-grams of 1 to 6
/// characters without white space.
struct ChrfCounts {
  static constexpr std::size_t kOrders = 6;
  std::array<double, kOrders> answer{};
  std::array<double, kOrders> reference{};
  std::array<double, kOrders> common{};
};
ChrfCounts chrf_counts(std::string_view answer, std::string_view reference);

/// chrF2 of such sums, 0 to 100, as sacrebleu gives it with its defaults.
double chrf(const ChrfCounts& counts);

/// The counts of BLEU (Papineni et al. 2002) of one answer, which are summed over a corpus: n-grams of 1 to 4
/// words.
struct BleuCounts {
  static constexpr std::size_t kOrders = 4;
  std::array<double, kOrders> answer{};
  std::array<double, kOrders> common{};
  double answer_words = 0;
  double reference_words = 0;
};

/// How BLEU cuts a text into words: sacrebleu's tokenizers of these names.
enum class BleuTokenizer { k13a, kZh };

BleuCounts bleu_counts(std::string_view answer, std::string_view reference, BleuTokenizer tokenizer);

/// BLEU of such sums, 0 to 100, as sacrebleu gives it with its defaults: exponential smoothing.
double bleu(const BleuCounts& counts);

}  // namespace lore
