#include "lore/tasks/run_evaluate.h"

#include "lore/tasks/adapter_folder.h"
#include "lore/tasks/baseline.h"
#include "lore/tasks/examiner.h"
#include "lore/tasks/gated_numbers.h"

namespace lore {

std::optional<Evaluation> run_evaluate(const EvaluateRequest& asked, const Environment& environment,
                                       Messages& messages, const EvaluationProgress& on_progress) {
  EvaluateRequest request = asked;
  std::vector<Gate> gates;
  gates.reserve(request.gates.size());
  for (const std::string& gate : request.gates) {
    gates.push_back(parse_gate(gate));
  }
  Questions questions;
  questions.suites = open_suites(request.suites);
  const std::optional<Baseline> baseline =
      request.baseline.empty() ? std::nullopt : std::optional(read_baseline(request.baseline));
  const ExaminedBase base = load_examined_base(request.model, request.rows, environment, messages);
  const LlamaForCausalLm& model = *base.base.model;
  settle_windows(request, model.config(), messages);
  for (const SourceSpec& source : request.sources) {
    questions.sources.push_back(
        prepare_source(source, request, base.maker, *base.tokenizer, environment, messages));
  }
  if (baseline) {
    check_same_questions(*baseline, questions);
  }
  const std::optional<LoraAdapter> adapter =
      request.adapter.empty() ? std::nullopt : std::optional(load_adapter(request.adapter, model, messages));
  Examiner examiner(base, request.batch_tokens, request.uses_cache, environment, on_progress);
  std::optional<Outcome> of_base = examiner.examine(questions, {"base", AdapterSet(), /*is_base=*/true});
  std::optional<Outcome> of_adapter;
  if (of_base && adapter) {
    of_adapter = examiner.examine(questions, {"adapter", adapter->weights});
  }
  if (examiner.stopped()) {
    return std::nullopt;
  }

  Evaluation evaluation = compare_outcomes(questions, std::move(*of_base), std::move(of_adapter));
  evaluation.base_name = base.base.name;
  evaluation.dtype = describe_dtype(model);
  evaluation.max_length = request.max_length;
  evaluation.stride = request.stride;
  evaluation.adapter_name = adapter ? base_name(request.adapter, request.adapter) : "";
  evaluation.tokens = examiner.tokens();
  evaluation.seconds = examiner.seconds();
  evaluation.reused = examiner.reused();
  if (baseline) {
    evaluation.baseline = compare_with_baseline(*baseline, evaluation, questions);
  }
  const GatedNumbers numbers = gated_numbers(evaluation);
  for (const Gate& gate : gates) {
    evaluation.gates.push_back(check_gate(gate, numbers));
  }
  return evaluation;
}

}  // namespace lore
