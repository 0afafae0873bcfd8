#include "lore/tasks/run_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "lore/core/error.h"
#include "lore/tasks/adapter_folder.h"
#include "lore/tasks/examiner.h"
#include "lore/tasks/gated_numbers.h"
#include "lore/tasks/prompt_lines.h"

namespace lore {
namespace {

template <class Named>
void refuse_repeated_names(const std::vector<Named>& all, const char* what) {
  std::set<std::string> names;
  for (const Named& one : all) {
    if (!names.insert(one.name).second) {
      throw Error(ErrorKind::kUsage, fmt::format("{} '{}'", what, one.name), "stands twice in the matrix");
    }
  }
}

std::vector<std::string> read_prompts(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw Error(ErrorKind::kInput, path, "cannot be opened");
  }
  std::vector<std::string> prompts = read_prompt_lines(file);
  if (prompts.empty()) {
    throw Error(ErrorKind::kInput, path, "holds no prompt");
  }
  return prompts;
}

/// The ids that ask for an answer to each prompt, as `lore generate` asks.
std::vector<std::vector<std::int32_t>> prompt_ids(const std::vector<std::string>& prompts,
                                                  const ExampleMaker& maker) {
  std::vector<std::vector<std::int32_t>> ids;
  for (const std::string& prompt : prompts) {
    ids.push_back(maker.builder.build_prompt(
        maker.chat_template.empty()
            ? nlohmann::ordered_json{{"prompt", prompt}}
            : nlohmann::ordered_json{{"messages", {{{"role", "user"}, {"content", prompt}}}}}));
  }
  return ids;
}

std::vector<GateResult> check_budget(const BudgetSpec& budget, const MatrixCell& cell) {
  std::vector<GateResult> results;
  const auto check = [&](const char* name, const std::optional<double>& most, std::optional<double> value,
                         const char* why) {
    if (most) {
      const bool passed = value && *value <= *most;
      results.push_back({fmt::format("{} <= {:g}", name, *most), value, passed, value ? "" : why, ""});
    }
  };
  const AnswerTimes* times = cell.times ? &*cell.times : nullptr;
  const auto of_times = [&](double value) { return times != nullptr ? std::optional(value) : std::nullopt; };
  const char* const no_times = "no answers were timed; give prompts";
  check("time_to_first_token", budget.time_to_first_token,
        of_times(times != nullptr ? times->to_first_token.p95 : 0), no_times);
  check("time_per_token", budget.time_per_token, of_times(times != nullptr ? times->per_token.p95 : 0),
        no_times);
  check("cost_per_thousand_answers", budget.cost_per_thousand_answers, cell.cost_per_thousand_answers,
        times != nullptr ? "no price is known; give machine.price_per_hour" : no_times);
  check("peak_memory_gib", budget.peak_memory_gib,
        of_times(times != nullptr ? static_cast<double>(times->peak_memory_bytes) / (1 << 30) : 0), no_times);
  return results;
}

/// A scenario made ready for a base.
struct ReadyScenario {
  Questions questions;
  EvaluateRequest request;  ///< windows
  std::vector<std::vector<std::int32_t>> prompts;
};

/// Measures the models of one base in every scenario.
class BaseRun {
 public:
  /// `models` are those on the base of `spec`.
  BaseRun(const MatrixRequest& request, const ModelSpec& spec, std::vector<const MatrixModelSpec*> models,
          const Environment& environment, Messages& messages, const EvaluationProgress& on_progress)
      : request_(request),
        models_(std::move(models)),
        environment_(environment),
        messages_(messages),
        base_(load_examined_base(spec, DataSpec(), environment, messages)),
        examiner_(base_, request.batch_tokens, request.uses_cache, environment,
                  [this, on_progress](std::string_view model, std::string_view what, double share) {
                    on_progress(model, fmt::format("{}: {}", scenario_, what), share);
                  }),
        stop_ids_(stop_ids(base_.base, *base_.tokenizer)),
        on_progress_(on_progress) {
    for (const MatrixModelSpec* model : models_) {
      adapters_.push_back(model->adapter.empty()
                              ? std::nullopt
                              : std::optional(load_adapter(model->adapter, *base_.base.model, messages)));
    }
  }

  /// Fills in the cells of a scenario. False when a signal ended it.
  bool measure(const ScenarioSpec& scenario, std::vector<MatrixCell>& cells) {
    scenario_ = scenario.name;
    const ReadyScenario ready = prepare(scenario);
    const std::optional<Outcome> of_base = examiner_.examine(ready.questions, {"base", AdapterSet(), true});
    if (!of_base) {
      return false;
    }
    for (std::size_t i = 0; i < models_.size(); ++i) {
      const MatrixModelSpec* model = models_[i];
      const std::optional<LoraAdapter>& adapter = adapters_[i];
      std::optional<Outcome> adapted;
      if (adapter && !(adapted = examiner_.examine(ready.questions, {model->name, adapter->weights}))) {
        return false;
      }
      MatrixCell cell;
      cell.scenario = scenario.name;
      cell.model = model->name;
      cell.evaluation = compare_outcomes(ready.questions, *of_base, std::move(adapted));
      cell.evaluation.adapter_name = adapter ? base_name(model->adapter, model->adapter) : "";
      describe_evaluation(ready, cell.evaluation);
      const GatedNumbers numbers = gated_numbers(cell.evaluation);
      for (const std::string& gate : scenario.gates) {
        cell.evaluation.gates.push_back(check_gate(parse_gate(gate), numbers));
      }
      if (!ready.prompts.empty()) {
        cell.times = time_answers(*base_.base.model, adapter ? adapter->weights : AdapterSet(), ready.prompts,
                                  scenario.max_new_tokens, stop_ids_, [&](double share) {
                                    on_progress_(model->name, scenario.name + ": prompts", share);
                                    return !examiner_.stopped();
                                  });
        if (!cell.times) {
          return false;
        }
      }
      settle_costs(scenario, cell);
      cells.push_back(std::move(cell));
    }
    return true;
  }

 private:
  ReadyScenario prepare(const ScenarioSpec& scenario) {
    ReadyScenario ready;
    settle_windows(ready.request, base_.base.model->config(), messages_);
    for (const SourceSpec& source : scenario.data) {
      ready.questions.sources.push_back(
          prepare_source(source, ready.request, base_.maker, *base_.tokenizer, environment_, messages_));
    }
    ready.questions.suites = open_suites(scenario.suites);
    if (!scenario.prompts.empty()) {
      ready.prompts = prompt_ids(read_prompts(scenario.prompts), base_.maker);
    }
    return ready;
  }

  void describe_evaluation(const ReadyScenario& ready, Evaluation& evaluation) const {
    evaluation.base_name = base_.base.name;
    evaluation.dtype = describe_dtype(*base_.base.model);
    evaluation.max_length = ready.request.max_length;
    evaluation.stride = ready.request.stride;
  }

  void settle_costs(const ScenarioSpec& scenario, MatrixCell& cell) const {
    const double price = request_.matrix.machine.price_per_hour;
    if (cell.times && price > 0) {
      constexpr double kSecondsPerHour = 3600;
      cell.cost_per_thousand_answers =
          1000 * price / kSecondsPerHour * cell.times->seconds / static_cast<double>(cell.times->answers);
    }
    cell.budget = check_budget(scenario.budget, cell);
    cell.pilot = pilot_worth(scenario.pilot, cell.cost_per_thousand_answers);
  }

  const MatrixRequest& request_;
  std::vector<const MatrixModelSpec*> models_;
  const Environment& environment_;
  Messages& messages_;
  ExaminedBase base_;
  std::vector<std::optional<LoraAdapter>> adapters_;  ///< of each model
  Examiner examiner_;
  std::vector<std::int64_t> stop_ids_;
  const EvaluationProgress& on_progress_;
  std::string scenario_;
};

bool all_passed(const std::vector<GateResult>& gates) {
  return std::all_of(gates.begin(), gates.end(), [](const GateResult& gate) { return gate.passed; });
}

}  // namespace

bool MatrixCell::passed() const { return evaluation.passed() && all_passed(budget); }

bool MatrixResult::passed() const {
  return std::all_of(cells.begin(), cells.end(), [](const MatrixCell& cell) { return cell.passed(); });
}

std::optional<PilotWorth> pilot_worth(const PilotSpec& spec,
                                      std::optional<double> cost_per_thousand_answers) {
  if (spec.cases_per_month == 0) {
    return std::nullopt;
  }
  PilotWorth worth;
  worth.cases = spec.cases_per_month * spec.automation_share;
  worth.minutes_saved = worth.cases * spec.minutes_per_case;
  worth.wages_saved = worth.minutes_saved / 60 * spec.hourly_wage;
  if (cost_per_thousand_answers) {
    worth.machine_cost = spec.cases_per_month / 1000 * *cost_per_thousand_answers;
  }
  worth.net = worth.wages_saved - worth.machine_cost.value_or(0);
  return worth;
}

std::optional<MatrixResult> run_matrix(const MatrixRequest& request, const Environment& environment,
                                       Messages& messages, const EvaluationProgress& on_progress) {
  const MatrixSpec& matrix = request.matrix;
  refuse_repeated_names(matrix.models, "model");
  refuse_repeated_names(matrix.scenarios, "scenario");
  for (const ScenarioSpec& scenario : matrix.scenarios) {
    std::for_each(scenario.gates.begin(), scenario.gates.end(), parse_gate);
  }
  std::vector<std::pair<ModelSpec, std::vector<const MatrixModelSpec*>>> bases;
  for (const MatrixModelSpec& model : matrix.models) {
    auto base = std::find_if(bases.begin(), bases.end(),
                             [&](const auto& known) { return known.first == model.model; });
    if (base == bases.end()) {
      base = bases.insert(bases.end(), {model.model, {}});
    }
    base->second.push_back(&model);
  }
  MatrixResult result{matrix, {}};
  for (const auto& [spec, models] : bases) {
    BaseRun run(request, spec, models, environment, messages, on_progress);
    for (const ScenarioSpec& scenario : matrix.scenarios) {
      if (!run.measure(scenario, result.cells)) {
        return std::nullopt;
      }
    }
  }
  const auto place = [&](const MatrixCell& cell) {
    const auto index = [](const auto& all, const std::string& name) {
      return std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; }) -
             all.begin();
    };
    return std::pair(index(matrix.scenarios, cell.scenario), index(matrix.models, cell.model));
  };
  std::sort(result.cells.begin(), result.cells.end(),
            [&](const MatrixCell& a, const MatrixCell& b) { return place(a) < place(b); });
  return result;
}

}  // namespace lore
