#include "lore/eval/text_scores.h"

#include <cmath>

#include "lore/eval/bleu_words.h"
#include "support/catch.h"

namespace {

std::string joined(const std::vector<std::u32string>& words) {
  std::string text;
  for (const std::u32string& word : words) {
    text += (text.empty() ? "" : " ") + std::string(word.begin(), word.end());
  }
  return text;
}

double bleu_of(const std::string& answer, const std::string& reference) {
  return lore::bleu(lore::bleu_counts(answer, reference, lore::BleuTokenizer::k13a));
}

double chrf_of(const std::string& answer, const std::string& reference) {
  return lore::chrf(lore::chrf_counts(answer, reference));
}

}  // namespace

TEST_CASE("exact answers are the same text, normalized ones the same words") {
  CHECK(lore::is_exact(" 风控阈值\n", "风控阈值"));
  CHECK_FALSE(lore::is_exact("风控阈值。", "风控阈值"));
  CHECK(lore::is_same_normalized("「風控閾值」。", "风控阈值"));
  CHECK(lore::is_same_normalized("The Risk-Control  threshold!", "the risk control threshold"));
  CHECK(lore::is_same_normalized("ＲＯＥ＝１０％", "roe=10%"));
  CHECK_FALSE(lore::is_same_normalized("10 %", "1 0%"));
  CHECK_FALSE(lore::is_same_normalized("risk thresholds", "risk threshold"));
}

TEST_CASE("ROUGE-L is the F1 of the longest common subsequence of words") {
  CHECK(lore::rouge_l("the cat sat on the mat", "the cat lay on the mat") == Approx(5.0 / 6));
  CHECK(lore::rouge_l("风险阈值", "风控阈值") == Approx(0.75));
  CHECK(lore::rouge_l("ROE提升2%", "roe 提升 2") == 1);
  CHECK(lore::rouge_l("", "x") == 0);
  CHECK(lore::rouge_l("", "") == 0);
}

TEST_CASE("BLEU's words are those of sacrebleu's tokenizers") {
  CHECK(joined(lore::bleu_words_13a(
            "Hello, world! It's 3,000.50 (approx.) e-mail 5-year A&amp;B &quot;x&quot;.\n")) ==
        "Hello , world ! It's 3,000.50 ( approx . ) e-mail 5 - year A & B \" x \" .");
  CHECK(joined(lore::bleu_words_13a("a-\nb\nc<skipped>d..")) == "ab cd . .");
  CHECK(lore::bleu_words_zh("ROE为10%，很高。").size() == 8);
}

TEST_CASE("BLEU and chrF of equal texts are 100, of texts without anything in common 0") {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  CHECK(bleu_of(text, text) == Approx(100));
  CHECK(chrf_of(text, text) == Approx(100));
  CHECK(bleu_of("alpha beta", "gamma delta") == 0);
  CHECK(chrf_of("xyz", "abc") == 0);
  CHECK(bleu_of("", text) == 0);
  CHECK(chrf_of("", text) == 0);
  CHECK(chrf_of(text, "") == 0);
  // Three words have no run of four.
  CHECK(bleu_of("the quick brown", "the quick brown") == 0);
}

TEST_CASE("short answers are penalized and missing runs smoothed") {
  // 4 of 5 words, 2 of 4 pairs, 1 of 3 triples, none of 2 runs of four: smoothed to a half.
  CHECK(bleu_of("a b c x d", "a b c d e") == Approx(100 * std::pow(0.8 * 0.5 * (1.0 / 3) * (0.5 / 2), 0.25)));
  CHECK(bleu_of("a b c d", "a b c d e f") == Approx(100 * std::exp(1 - 6.0 / 4)));
}
