#include "lore/tasks/run_evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "lore/adapters/peft_files.h"
#include "lore/core/error.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/evaluation_suites.h"
#include "lore/tasks/language_sources.h"
#include "lore/tasks/training_data.h"

namespace lore {
namespace {

constexpr std::int64_t kUsualWindow = 2048;

/// Window and stride for texts. Throws: Error kUsage.
void settle_windows(EvaluateRequest& request, const LlamaConfig& config, Messages& messages) {
  if (request.max_length == 0) {
    request.max_length = std::min(kUsualWindow, config.max_position_embeddings);
  }
  if (request.max_length < 2) {
    throw Error(ErrorKind::kUsage, "--max-length",
                "must be at least 2: the first token of a window is not scored");
  }
  if (request.stride == 0) {
    request.stride = std::max<std::int64_t>(1, request.max_length / 2);
  }
  if (request.stride > request.max_length) {
    throw Error(ErrorKind::kUsage, "--stride",
                fmt::format("{} is more than --max-length {}: the tokens between would never be scored",
                            request.stride, request.max_length));
  }
  if (request.max_length > config.max_position_embeddings) {
    messages.warning(
        fmt::format("windows of {} tokens are longer than the {} positions the model was made for",
                    request.max_length, config.max_position_embeddings));
  }
}

/// All sources taken together; bytes and words are known where every source is a text.
LanguageScore total(const std::vector<SourceScore>& sources, bool adapted) {
  LanguageScore sum;
  bool all_texts = true;
  for (const SourceScore& source : sources) {
    sum += adapted ? *source.adapted : source.base;
    all_texts = all_texts && source.is_text;
  }
  if (!all_texts) {
    sum.bytes = sum.words = 0;
  }
  return sum;
}

/// A model that is measured.
struct Contestant {
  std::string_view name;  ///< "base" or "adapter"
  const AdapterSet* adapters;
};

/// Scores every source with every contestant. False when it was ended early.
bool score_sources(const LlamaForCausalLm& model, std::span<const Contestant> contestants,
                   std::span<const LanguageSource> sources, std::int64_t batch_tokens, Evaluation& evaluation,
                   const EvaluationProgress& on_progress, const std::function<bool()>& goes_on) {
  const auto start = std::chrono::steady_clock::now();
  for (const LanguageSource& source : sources) {
    SourceScore& score = evaluation.sources.emplace_back();
    score.name = source.name;
    score.is_text = source.is_text;
    const std::int64_t tokens = source.tokens();
    for (const Contestant& contestant : contestants) {
      const LanguageScore result =
          score_source(model, *contestant.adapters, source, batch_tokens, [&](std::int64_t done) {
            on_progress(contestant.name, source.name,
                        static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(1, tokens)));
            return goes_on();
          });
      (&contestant == contestants.data() ? score.base : score.adapted.emplace()) = result;
      evaluation.tokens += tokens;
      if (!goes_on()) {
        return false;
      }
    }
  }
  evaluation.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return true;
}

/// The numbers of all sources together and of each suite.
Comparison all_numbers(const Evaluation& evaluation, bool compares) {
  Comparison all;
  if (!evaluation.sources.empty()) {
    all.metrics = language_metrics(total(evaluation.sources, compares));
    if (compares) {
      all.base = language_metrics(total(evaluation.sources, false));
      all.delta = difference(all.metrics, all.base);
    }
  }
  for (const SuiteResult& suite : evaluation.suites) {
    const auto put = [&](Metrics& into, const Metrics& metrics) {
      for (const auto& [name, value] : metrics) {
        into[fmt::format("{}.{}", suite.name, name)] = value;
      }
    };
    put(all.metrics, suite.numbers.metrics);
    put(all.base, suite.numbers.base);
    put(all.delta, suite.numbers.delta);
  }
  return all;
}

/// What gates may name: every number, and the bounds of its confidence interval as NUMBER.low and
/// NUMBER.high.
Comparison with_bounds(const Evaluation& evaluation) {
  Comparison all = evaluation.numbers;
  for (const SuiteResult& suite : evaluation.suites) {
    const auto put = [&](Metrics& into, const std::map<std::string, Interval>& intervals) {
      for (const auto& [name, interval] : intervals) {
        into[fmt::format("{}.{}.low", suite.name, name)] = interval.low;
        into[fmt::format("{}.{}.high", suite.name, name)] = interval.high;
      }
    };
    put(all.metrics, suite.intervals);
    put(all.delta, suite.delta_intervals);
  }
  return all;
}

}  // namespace

bool Evaluation::passed() const {
  return std::all_of(gates.begin(), gates.end(), [](const GateResult& gate) { return gate.passed; });
}

Metrics language_metrics(const LanguageScore& score) {
  Metrics metrics;
  const auto put = [&](const char* name, std::optional<double> value) {
    if (value) {
      metrics[name] = *value;
    }
  };
  put("loss", score.loss());
  put("perplexity", score.perplexity());
  put("byte_perplexity", score.byte_perplexity());
  put("word_perplexity", score.word_perplexity());
  return metrics;
}

std::optional<Evaluation> run_evaluate(const EvaluateRequest& asked, const Environment& environment,
                                       Messages& messages, const EvaluationProgress& on_progress) {
  EvaluateRequest request = asked;
  std::vector<Gate> gates;
  gates.reserve(request.gates.size());
  for (const std::string& gate : request.gates) {
    gates.push_back(parse_gate(gate));
  }
  const std::vector<NamedSuite> suites = open_suites(request.suites);
  const std::filesystem::path path = find_base(request.model, environment);
  const auto tokenizer = load_tokenizer(path);
  const BaseModel base = load_base(request.model, path, messages);
  settle_windows(request, base.model->config(), messages);

  const ExampleMaker maker = make_example_builder(request.rows, path, tokenizer);
  std::vector<LanguageSource> sources;
  for (const SourceSpec& source : request.sources) {
    sources.push_back(prepare_source(source, request, maker, *tokenizer, environment, messages));
  }

  Evaluation evaluation;
  evaluation.base_name = base.name;
  evaluation.dtype = base.model->dtype() == at::kBFloat16 ? "bfloat16" : "float32";
  evaluation.max_length = request.max_length;
  evaluation.stride = request.stride;
  const AdapterSet no_adapter;
  std::vector<Contestant> contestants{{"base", &no_adapter}};
  std::optional<LoraAdapter> adapter;
  if (!request.adapter.empty()) {
    std::vector<std::string> warnings;
    adapter = load_peft_adapter(request.adapter, *base.model, warnings);
    for (const std::string& warning : warnings) {
      messages.warning(warning);
    }
    evaluation.adapter_name = base_name(request.adapter, request.adapter);
    contestants.push_back({"adapter", &adapter->weights});
  }
  const auto goes_on = [&] { return *environment.signal == 0; };
  if (!score_sources(*base.model, contestants, sources, request.batch_tokens, evaluation, on_progress,
                     goes_on)) {
    return std::nullopt;
  }
  TestedModel tested{*base.model,
                     no_adapter,
                     *tokenizer,
                     maker.builder,
                     !maker.chat_template.empty(),
                     stop_ids(base, *tokenizer),
                     request.batch_tokens,
                     {}};
  for (const NamedSuite& suite : suites) {
    std::vector<std::vector<SuiteCase>> cases;
    for (const Contestant& contestant : contestants) {
      const TestedModel with{tested.model,
                             *contestant.adapters,
                             tested.tokenizer,
                             tested.builder,
                             tested.chats,
                             tested.stop_ids,
                             tested.batch_tokens,
                             [&](double share) {
                               on_progress(contestant.name, suite.name, share);
                               return goes_on();
                             }};
      cases.push_back(suite.suite->run(with));
      if (!goes_on()) {
        return std::nullopt;
      }
    }
    evaluation.suites.push_back(summarize(*suite.suite, std::move(cases.front()),
                                          adapter ? std::optional(std::move(cases.back())) : std::nullopt));
    evaluation.suites.back().name = suite.name;
    evaluation.suites.back().kind = suite.kind;
  }
  evaluation.numbers = all_numbers(evaluation, adapter.has_value());
  const Comparison gated = with_bounds(evaluation);
  for (const Gate& gate : gates) {
    evaluation.gates.push_back(check_gate(gate, gated.metrics, gated.base, gated.delta));
  }
  return evaluation;
}

}  // namespace lore
