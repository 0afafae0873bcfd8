#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/eval/gate.h"
#include "lore/eval/language_score.h"
#include "lore/eval/suite_result.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"

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
};

/// How one source was scored.
struct SourceScore {
  std::string name;  ///< as it was asked for
  bool is_text = false;
  LanguageScore base;
  std::optional<LanguageScore> adapted;  ///< with the adapter
};

/// What came of it.
struct Evaluation {
  std::string base_name;
  std::string adapter_name;  ///< empty without adapter
  std::string dtype;
  std::int64_t max_length = 0;
  std::int64_t stride = 0;
  std::vector<SourceScore> sources;
  std::vector<SuiteResult> suites;
  Comparison numbers;  ///< of all sources together, and of each suite as NAME.METRIC
  std::vector<GateResult> gates;
  std::int64_t tokens = 0;  ///< that went through a model, context included
  double seconds = 0;       ///< in the models

  bool passed() const;
};

/// The metrics of a score by name: loss, perplexity, byte_perplexity, word_perplexity, tokens.
Metrics language_metrics(const LanguageScore& score);

/// Tells how far an evaluation is: the model ("base" or "adapter"), what is measured (the name of a source or
/// a suite), and the share of it that is done, 0 to 1.
using EvaluationProgress = std::function<void(std::string_view, std::string_view, double)>;

/// Scores every source and asks every suite with the base and, when one is given, with the adapter. Nothing
/// when a signal ended it. Throws: Error kUsage for a gate that cannot be read (before anything is loaded),
/// kInput.
std::optional<Evaluation> run_evaluate(const EvaluateRequest& request, const Environment& environment,
                                       Messages& messages, const EvaluationProgress& on_progress);

}  // namespace lore
