#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/data/dataset.h"
#include "lore/eval/language_score.h"
#include "lore/tasks/environment.h"
#include "lore/tasks/evaluation_text.h"
#include "lore/tasks/run_evaluate.h"
#include "lore/tasks/training_data.h"

namespace lore {

/// A source made ready to be scored: texts with their windows, or rows.
struct LanguageSource {
  std::string name;
  std::string identity;  ///< hash of the tokens, and of which of them are scored with which context
  bool is_text = false;
  std::vector<EvaluationText> texts;
  std::vector<std::vector<Window>> windows;
  Dataset rows;

  /// Tokens that go through the model, context included.
  std::int64_t tokens() const;
};

/// Sets window and stride for texts where they are 0, for a model of `config`; warns of windows that are
/// longer than it was made for. Throws: Error kUsage.
void settle_windows(EvaluateRequest& request, const LlamaConfig& config, Messages& messages);

/// Reads and tokenizes a source. `maker` makes rows into examples. Throws: Error kInput with the place.
LanguageSource prepare_source(const SourceSpec& source, const EvaluateRequest& request,
                              const ExampleMaker& maker, const Tokenizer& tokenizer,
                              const Environment& environment, Messages& messages);

/// The loss of a text's tokens, or of the trained tokens of every row. `on_tokens` receives the tokens that
/// are done, and ends the scoring early when it returns false.
LanguageScore score_source(const LlamaForCausalLm& model, const AdapterSet& adapters,
                           const LanguageSource& source, std::int64_t batch_tokens,
                           const std::function<bool(std::int64_t)>& on_tokens);

}  // namespace lore
