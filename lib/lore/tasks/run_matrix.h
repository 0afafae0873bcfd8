#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lore/recipe/matrix.h"
#include "lore/tasks/answer_times.h"
#include "lore/tasks/run_evaluate.h"

namespace lore {

/// What `lore evaluate --matrix` is asked to do.
struct MatrixRequest {
  MatrixSpec matrix;
  std::int64_t batch_tokens = 4096;
  bool uses_cache = true;
};

/// What a pilot would be worth in a month.
struct PilotWorth {
  double cases = 0;          ///< that need no person any more
  double minutes_saved = 0;  ///< of people
  double wages_saved = 0;
  std::optional<double>
      machine_cost;  ///< of answering every case that comes in; nothing where no price is known
  double net = 0;    ///< wages saved less the machine's cost
};

/// A model in a scenario.
struct MatrixCell {
  std::string scenario;
  std::string model;
  Evaluation evaluation;
  std::optional<AnswerTimes> times;                 ///< nothing where the scenario has no prompts
  std::optional<double> cost_per_thousand_answers;  ///< nothing without times or without a price
  std::vector<GateResult> budget;                   ///< in the order of BudgetSpec
  std::optional<PilotWorth> pilot;

  bool passed() const;
};

/// All cells, each scenario's beside one another, in the order of the file.
struct MatrixResult {
  MatrixSpec matrix;
  std::vector<MatrixCell> cells;

  bool passed() const;
};

/// What a pilot of `spec` would be worth; nothing where no cases come in.
std::optional<PilotWorth> pilot_worth(const PilotSpec& spec, std::optional<double> cost_per_thousand_answers);

/// Measures every model in every scenario; a base is loaded once, however many adapters are on it. Nothing
/// when a signal ended it. Throws: Error kUsage for a name that stands twice or a gate that cannot be read
/// (before anything is loaded), kInput.
std::optional<MatrixResult> run_matrix(const MatrixRequest& request, const Environment& environment,
                                       Messages& messages, const EvaluationProgress& on_progress);

}  // namespace lore
