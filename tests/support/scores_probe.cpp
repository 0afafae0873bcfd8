// scores_probe
//
// Reads one JSON object a line, {"tokenizer": "13a" | "zh", "pairs": [[answer, reference], ..]}, and writes
// for each {"bleu", "chrf", "rouge_l": [..]}: BLEU and chrF of all pairs together, ROUGE-L of each.

#include <array>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "lore/eval/text_scores.h"

namespace {

template <std::size_t N>
void add(std::array<double, N>& sums, const std::array<double, N>& counts) {
  for (std::size_t i = 0; i < N; ++i) {
    sums[i] += counts[i];
  }
}

nlohmann::json scores(const nlohmann::json& corpus) {
  const auto tokenizer =
      corpus.at("tokenizer") == "zh" ? lore::BleuTokenizer::kZh : lore::BleuTokenizer::k13a;
  lore::BleuCounts words;
  lore::ChrfCounts characters;
  nlohmann::json rouge = nlohmann::json::array();
  for (const nlohmann::json& pair : corpus.at("pairs")) {
    const std::string answer = pair.at(0);
    const std::string reference = pair.at(1);
    const lore::BleuCounts of_words = lore::bleu_counts(answer, reference, tokenizer);
    add(words.answer, of_words.answer);
    add(words.common, of_words.common);
    words.answer_words += of_words.answer_words;
    words.reference_words += of_words.reference_words;
    const lore::ChrfCounts of_characters = lore::chrf_counts(answer, reference);
    add(characters.answer, of_characters.answer);
    add(characters.reference, of_characters.reference);
    add(characters.common, of_characters.common);
    rouge.push_back(lore::rouge_l(answer, reference));
  }
  return {{"bleu", lore::bleu(words)}, {"chrf", lore::chrf(characters)}, {"rouge_l", std::move(rouge)}};
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << scores(nlohmann::json::parse(line)).dump() << "\n";
  }
  return 0;
}
