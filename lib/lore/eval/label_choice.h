#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "lore/eval/suite.h"

namespace lore {

/// A label as a model's answer.
struct LabelAnswer {
  double log_probability;  ///< of all its tokens, in nats
  double tokens;
};

/// The log-probability of each label, given that the answer is one of them: the log-softmax of
/// log p * mean tokens of a label / its tokens. So labels of more tokens are not less likely for that alone,
/// and labels of the same number of tokens keep their own probabilities.
std::vector<double> label_log_probabilities(std::span<const LabelAnswer> answers);

/// A question that is answered with a label.
struct LabelPrompt {
  nlohmann::ordered_json row;  ///< as answer_continuation takes it
  std::string place;           ///< "file:line"
};

/// `label_log_probabilities` of a model for each prompt. What is returned after `on_progress` gave false is
/// not used. Throws: Error kInput, subject the place of a prompt.
std::vector<std::vector<double>> ask_labels(const TestedModel& tested, std::span<const LabelPrompt> prompts,
                                            std::span<const std::string> labels);

/// The likeliest label, the first of equals. REQUIRES at least one.
std::size_t likeliest(std::span<const double> log_probabilities);

}  // namespace lore
