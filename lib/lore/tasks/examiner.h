#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lore/adapters/lora.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/base_results.h"
#include "lore/tasks/evaluation_suites.h"
#include "lore/tasks/language_sources.h"

namespace lore {

/// A base model with what turns questions into its tokens.
struct ExaminedBase {
  BaseModel base;
  std::shared_ptr<const Tokenizer> tokenizer;
  ExampleMaker maker;
};

/// Finds and loads the model of `spec`; `rows` says how rows become tokens. Throws: Error kInput, kUsage.
ExaminedBase load_examined_base(const ModelSpec& spec, const DataSpec& rows, const Environment& environment,
                                Messages& messages);

/// A model that is measured: a base alone, or with an adapter.
struct ExaminedModel {
  std::string name;  ///< for the progress: "base", "adapter"
  const AdapterSet& adapters;
  bool is_base = false;
};

/// What is put to models.
struct Questions {
  std::vector<LanguageSource> sources;
  std::vector<NamedSuite> suites;
};

/// What a model gave to each of them.
struct Outcome {
  std::vector<LanguageScore> scores;
  std::vector<std::vector<SuiteCase>> cases;
};

/// The numbers of `base`, and of `adapted` beside them. REQUIRES both to be of `questions`.
Evaluation compare_outcomes(const Questions& questions, Outcome base, std::optional<Outcome> adapted);

/// Puts sources and suites to a model. What the base alone gave before is not computed again.
class Examiner {
 public:
  /// `base` and `environment` must outlive it. Without `uses_cache` nothing is looked up or kept.
  Examiner(const ExaminedBase& base, std::int64_t batch_tokens, bool uses_cache,
           const Environment& environment, EvaluationProgress on_progress);

  /// Nothing when a signal ended it.
  std::optional<Outcome> examine(const Questions& questions, const ExaminedModel& examined);

  /// Whether a signal ended what was going on.
  bool stopped() const { return *environment_.signal != 0; }
  std::int64_t tokens() const { return tokens_; }  ///< of sources that went through a model, context included
  double seconds() const { return seconds_; }      ///< that these took
  std::size_t reused() const { return reused_; }   ///< results that were kept from an earlier run

 private:
  LanguageScore score(const LanguageSource& source, const ExaminedModel& examined);
  std::vector<SuiteCase> ask(const NamedSuite& suite, const ExaminedModel& examined);

  const ExaminedBase& base_;
  std::int64_t batch_tokens_;
  const Environment& environment_;
  EvaluationProgress on_progress_;
  std::vector<std::int64_t> stop_ids_;
  std::optional<BaseResults> kept_;
  std::int64_t tokens_ = 0;
  double seconds_ = 0;
  std::size_t reused_ = 0;
};

}  // namespace lore
