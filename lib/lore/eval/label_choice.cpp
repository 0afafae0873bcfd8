#include "lore/eval/label_choice.h"

#include <algorithm>
#include <cmath>

#include "lore/eval/trained_continuation.h"

namespace lore {

std::vector<double> label_log_probabilities(std::span<const LabelAnswer> answers) {
  double mean_tokens = 0;
  for (const LabelAnswer& answer : answers) {
    mean_tokens += answer.tokens / static_cast<double>(answers.size());
  }
  std::vector<double> scores;
  for (const LabelAnswer& answer : answers) {
    scores.push_back(answer.log_probability * mean_tokens / answer.tokens);
  }
  const double highest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const double score : scores) {
    sum += std::exp(score - highest);
  }
  for (double& score : scores) {
    score -= highest + std::log(sum);
  }
  return scores;
}

std::vector<std::vector<double>> ask_labels(const TestedModel& tested, std::span<const LabelPrompt> prompts,
                                            std::span<const std::string> labels) {
  std::vector<Continuation> continuations;
  for (const LabelPrompt& prompt : prompts) {
    for (const std::string& label : labels) {
      continuations.push_back(answer_continuation(tested.builder, prompt.row, label, prompt.place));
    }
  }
  const std::vector<ContinuationScore> scores = score_continuations(tested, continuations);
  std::vector<std::vector<double>> of_prompts;
  for (std::size_t next = 0; next < scores.size();) {
    std::vector<LabelAnswer> answers;
    for (std::size_t label = 0; label < labels.size(); ++label, ++next) {
      answers.push_back({scores[next].log_probability, static_cast<double>(continuations[next].ids.size())});
    }
    of_prompts.push_back(label_log_probabilities(answers));
  }
  return of_prompts;
}

std::size_t likeliest(std::span<const double> log_probabilities) {
  return static_cast<std::size_t>(std::max_element(log_probabilities.begin(), log_probabilities.end()) -
                                  log_probabilities.begin());
}

}  // namespace lore
