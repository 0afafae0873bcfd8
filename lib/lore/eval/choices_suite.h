#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lore/corpus/row.h"
#include "lore/eval/suite.h"
#include "lore/recipe/specs.h"

namespace lore {

/// A multiple-choice question.
struct ChoiceQuestion {
  std::string id;
  nlohmann::ordered_json prompt;  ///< {"prompt": text} or {"messages": [...]}
  std::string delimiter;          ///< between the prompt and a choice
  std::vector<std::string> choices;
  std::size_t answer = 0;  ///< the right one of `choices`
  std::map<std::string, std::string> groups;
  std::string place;  ///< "file:line"

  bool operator==(const ChoiceQuestion&) const = default;
};

/// Reads {"query": text, or "messages": [...], "choices": [texts], "answer": the index of the right one, from
/// 0, or its text}, with `delimiter`, `id` and `groups` where they are given. The delimiter is a space after
/// a query and nothing after messages, as in lm-evaluation-harness. Throws: Error kInput, subject the column.
ChoiceQuestion read_choice_question(const Row& row);

/// Which choice a model takes, by log-likelihood. The metrics are shares of right choices:
///
/// - `accuracy`, of the likeliest choice: acc of lm-evaluation-harness
/// - `accuracy_norm`, by log-likelihood over characters of the choice: its acc_norm
/// - `accuracy_bytes`, over its bytes of UTF-8: its acc_bytes
/// - `accuracy_tokens`, over its tokens, delimiter included
class ChoicesSuite final : public Suite {
 public:
  explicit ChoicesSuite(std::vector<ChoiceQuestion> questions) : questions_(std::move(questions)) {}

  nlohmann::ordered_json identity() const override;
  std::vector<SuiteCase> run(const TestedModel& tested) const override;
  Metrics metrics(std::span<const SuiteCase* const> cases) const override;

 private:
  std::vector<ChoiceQuestion> questions_;
};

/// Throws: Error kInput with the place of a bad question.
std::unique_ptr<Suite> open_choices_suite(const SuiteSpec& spec);

}  // namespace lore
