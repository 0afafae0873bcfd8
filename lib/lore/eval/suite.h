#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "lore/data/example_builder.h"
#include "lore/eval/gate.h"
#include "lore/nn/llama.h"
#include "lore/text/tokenizer.h"

namespace lore {

/// A model as a suite sees it: the base alone, or with the adapter.
struct TestedModel {
  const LlamaForCausalLm& model;
  const AdapterSet& adapters;
  const Tokenizer& tokenizer;
  const ExampleBuilder& builder;       ///< makes prompts into ids, by the chat template where there is one
  bool chats = false;                  ///< whether there is a chat template
  std::vector<std::int64_t> stop_ids;  ///< tokens that end an answer
  std::int64_t batch_tokens = 4096;    ///< that go through the model at once
  /// Receives the share that is done, 0 to 1; ends the suite early when it returns false.
  std::function<bool(double)> on_progress;
};

/// One question of a suite, and how a model did on it.
struct SuiteCase {
  std::string id;                             ///< names it among the cases of its suite
  std::map<std::string, std::string> groups;  ///< what tables break it down by: {"domain": "risk-control"}
  Metrics values;                             ///< its own numbers, which a report shows
  Metrics counts;                             ///< what else metrics are made of, such as matched n-grams
  nlohmann::ordered_json detail;              ///< what the report shows of it: question, answer, ...
};

/// What a report shows of a suite besides its metrics, such as a confusion matrix. A cell is a text or a
/// number.
struct SuiteTable {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<nlohmann::ordered_json>> rows;
};

/// Questions of one kind from one file. Immutable, and the same for every model.
class Suite {
 public:
  Suite() = default;
  Suite(const Suite&) = delete;
  Suite& operator=(const Suite&) = delete;
  virtual ~Suite() = default;

  /// All that decides what is asked, for a cache of results.
  virtual nlohmann::ordered_json identity() const = 0;
  /// Asks everything. The cases and their order are the same for every model. What is returned after
  /// `on_progress` gave false is not used. Throws: Error kInput for a question this model cannot be asked.
  virtual std::vector<SuiteCase> run(const TestedModel& tested) const = 0;
  /// The metrics of some of its cases, such as those of a domain or of a bootstrap's sample.
  virtual Metrics metrics(std::span<const SuiteCase* const> cases) const = 0;
  /// What else a report shows of all its cases.
  virtual std::vector<SuiteTable> tables(std::span<const SuiteCase* const> /*cases*/) const { return {}; }
};

}  // namespace lore
