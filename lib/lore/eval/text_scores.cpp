#include "lore/eval/text_scores.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "lore/core/utf8.h"
#include "lore/corpus/row_cells.h"
#include "lore/eval/bleu_words.h"
#include "lore/eval/text_units.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

using Words = std::vector<std::u32string>;

Words rouge_words(std::string_view text) {
  Words words;
  bool in_word = false;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t character = next_character(text, position);
    const bool upper = character >= 'A' && character <= 'Z';
    if (upper || (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9')) {
      if (!in_word) {
        words.emplace_back();
      }
      words.back().push_back(upper ? character + ('a' - 'A') : character);
      in_word = true;
      continue;
    }
    in_word = false;
    if (character >= 0x3400 && character <= 0x9FFF) {
      words.emplace_back(1, character);
    }
  }
  return words;
}

std::size_t longest_common_subsequence(const Words& a, const Words& b) {
  std::vector<std::size_t> lengths(b.size() + 1, 0);
  for (const std::u32string& word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = lengths[j + 1];
      lengths[j + 1] = word == b[j] ? diagonal + 1 : std::max(above, lengths[j]);
      diagonal = above;
    }
  }
  return lengths.back();
}

/// How often each run of `order` elements stands in a list.
template <class List>
std::map<List, double> count_ngrams(const List& list, std::size_t order) {
  std::map<List, double> counts;
  for (std::size_t i = 0; i + order <= list.size(); ++i) {
    const auto first = list.begin() + static_cast<std::ptrdiff_t>(i);
    ++counts[List(first, first + static_cast<std::ptrdiff_t>(order))];
  }
  return counts;
}

/// How many n-grams both lists have, each as often as the one that has it less often.
template <class List>
double common_ngrams(const List& a, const List& b, std::size_t order) {
  const std::map<List, double> of_b = count_ngrams(b, order);
  double common = 0;
  for (const auto& [ngram, count] : count_ngrams(a, order)) {
    if (const auto found = of_b.find(ngram); found != of_b.end()) {
      common += std::min(count, found->second);
    }
  }
  return common;
}

double ngrams_in(std::size_t length, std::size_t order) {
  return length < order ? 0 : static_cast<double>(length - order + 1);
}

std::u32string without_space(std::string_view text) {
  std::u32string characters;
  for (std::size_t position = 0; position < text.size();) {
    if (const char32_t character = next_character(text, position); !is_whitespace(character)) {
      characters.push_back(character);
    }
  }
  return characters;
}

/// The words and characters of a text, without its marks.
Words normalized_words(std::string_view text) {
  Words words;
  for (TextUnit& unit : text_units(text)) {
    if (!is_punctuation(unit.text.front())) {
      words.push_back(std::move(unit.text));
    }
  }
  return words;
}

}  // namespace

bool is_exact(std::string_view answer, std::string_view reference) {
  return trimmed(answer) == trimmed(reference);
}

bool is_same_normalized(std::string_view answer, std::string_view reference) {
  return normalized_words(answer) == normalized_words(reference);
}

double rouge_l(std::string_view answer, std::string_view reference) {
  const Words said = rouge_words(answer);
  const Words wanted = rouge_words(reference);
  const auto common = static_cast<double>(longest_common_subsequence(said, wanted));
  return common == 0 ? 0 : 2 * common / static_cast<double>(said.size() + wanted.size());
}

ChrfCounts chrf_counts(std::string_view answer, std::string_view reference) {
  const std::u32string said = without_space(answer);
  const std::u32string wanted = without_space(reference);
  ChrfCounts counts;
  for (std::size_t i = 0; i < ChrfCounts::kOrders; ++i) {
    counts.reference[i] = ngrams_in(wanted.size(), i + 1);
    // sacrebleu leaves an order out of the answer's counts where the reference is too short for it.
    counts.answer[i] = counts.reference[i] == 0 ? 0 : ngrams_in(said.size(), i + 1);
    counts.common[i] = common_ngrams(said, wanted, i + 1);
  }
  return counts;
}

double chrf(const ChrfCounts& counts) {
  constexpr double kBetaSquared = 4;
  double precision = 0;
  double recall = 0;
  double orders = 0;
  for (std::size_t i = 0; i < ChrfCounts::kOrders; ++i) {
    if (counts.answer[i] > 0 && counts.reference[i] > 0) {
      precision += counts.common[i] / counts.answer[i];
      recall += counts.common[i] / counts.reference[i];
      ++orders;
    }
  }
  if (precision + recall == 0) {
    return 0;
  }
  precision /= orders;
  recall /= orders;
  return 100 * (1 + kBetaSquared) * precision * recall / (kBetaSquared * precision + recall);
}

BleuCounts bleu_counts(std::string_view answer, std::string_view reference, BleuTokenizer tokenizer) {
  const auto words_of = tokenizer == BleuTokenizer::kZh ? bleu_words_zh : bleu_words_13a;
  const Words said = words_of(answer);
  const Words wanted = words_of(reference);
  BleuCounts counts;
  counts.answer_words = static_cast<double>(said.size());
  counts.reference_words = static_cast<double>(wanted.size());
  for (std::size_t i = 0; i < BleuCounts::kOrders; ++i) {
    counts.answer[i] = ngrams_in(said.size(), i + 1);
    counts.common[i] = common_ngrams(said, wanted, i + 1);
  }
  return counts;
}

double bleu(const BleuCounts& counts) {
  if (std::all_of(counts.common.begin(), counts.common.end(), [](double count) { return count == 0; })) {
    return 0;
  }
  double log_precision = 0;
  double smoothing = 1;
  for (std::size_t i = 0; i < BleuCounts::kOrders; ++i) {
    if (counts.answer[i] == 0) {
      return 0;
    }
    if (counts.common[i] == 0) {
      smoothing *= 2;
    }
    const double common = counts.common[i] == 0 ? 1 / smoothing : counts.common[i];
    log_precision += std::log(common / counts.answer[i]) / BleuCounts::kOrders;
  }
  const double brevity = counts.answer_words < counts.reference_words
                             ? std::exp(1 - counts.reference_words / counts.answer_words)
                             : 1;
  return 100 * brevity * std::exp(log_precision);
}

}  // namespace lore
