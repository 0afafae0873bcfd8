#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"
#include "lore/tasks/evaluation.h"

namespace lore {

/// What `lore evaluate` is asked to do.
struct EvaluateRequest {
  ModelSpec model;
  std::string adapter;              ///< folder, or empty for the base alone
  std::vector<SourceSpec> sources;  ///< text files are scored whole, rows by their trained tokens
  DataSpec rows;                    ///< how rows become tokens: template, train_on, max_length, ...
  std::int64_t max_length = 0;  ///< tokens of a window over a text; 0: 2048, or what the model was made for
  std::int64_t stride = 0;      ///< tokens from one window to the next; 0: half of `max_length`
  std::int64_t batch_tokens = 4096;
  std::vector<SuiteSpec> suites;   ///< what is asked besides
  std::vector<std::string> gates;  ///< "delta.perplexity <= 0"
  std::string baseline;            ///< report.json of the adapter now deployed, or empty
  bool uses_cache = true;          ///< whether what the base gave is kept from run to run
};

/// Tells how far an evaluation is: the model ("base" or "adapter"), what is measured (the name of a source or
/// a suite), and the share of it that is done, 0 to 1.
using EvaluationProgress = std::function<void(std::string_view, std::string_view, double)>;

/// Scores every source and asks every suite with the base and, when one is given, with the adapter. Nothing
/// when a signal ended it. Throws: Error kUsage for a gate that cannot be read (before anything is loaded),
/// kInput, kRefused for a baseline of other questions.
std::optional<Evaluation> run_evaluate(const EvaluateRequest& request, const Environment& environment,
                                       Messages& messages, const EvaluationProgress& on_progress);

}  // namespace lore
