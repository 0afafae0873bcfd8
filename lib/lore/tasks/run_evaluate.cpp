#include "lore/tasks/run_evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>

#include "lore/adapters/peft_files.h"
#include "lore/core/error.h"
#include "lore/data/bad_rows.h"
#include "lore/data/batch.h"
#include "lore/data/load_dataset.h"
#include "lore/data/overlong.h"
#include "lore/data/row_policy.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/evaluation_text.h"
#include "lore/tasks/training_data.h"

namespace lore {
namespace {

constexpr std::int64_t kUsualWindow = 2048;

/// A source made ready: texts with their windows, or rows.
struct Prepared {
  std::string name;
  bool is_text = false;
  std::vector<EvaluationText> texts;
  std::vector<std::vector<Window>> windows;
  Dataset rows;

  std::int64_t tokens() const {
    std::int64_t total = rows.tokens();
    for (const std::vector<Window>& plan : windows) {
      for (const Window& window : plan) {
        total += window.length;
      }
    }
    return total;
  }
};

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

Dataset read_row_source(const SourceSpec& source, const EvaluateRequest& request,
                        const ExampleBuilder& builder, const Environment& environment, Messages& messages) {
  CacheSettings kept;
  kept.folder = environment.cache_dir;
  kept.temporary = environment.temporary_dir;
  const CacheFolder cache(kept, messages);
  const RowSettings settings{request.rows.max_length, parse_overlong(request.rows.overlong),
                             parse_personal_data_policy(request.rows.pii), /*signatures=*/false};
  Dataset rows = load_dataset(std::span(&source, 1), builder, settings, cache, environment.threads, messages);
  report_bad_rows({&rows}, parse_bad_row_policy(request.rows.on_bad_row), messages);
  if (rows.count() == 0) {
    throw Error(ErrorKind::kInput, source.path, "holds no row that can be scored");
  }
  return rows;
}

/// The mean loss of the trained tokens of every row.
LanguageScore score_rows(const LlamaForCausalLm& model, const AdapterSet& adapters, const Dataset& rows,
                         std::int64_t batch_tokens, const std::function<bool(std::int64_t)>& on_tokens) {
  LanguageScore score;
  const std::vector<std::int64_t> lengths = rows.lengths();
  std::int64_t done = 0;
  for (std::int64_t next = 0; next < rows.count();) {
    std::vector<std::int64_t> indices;
    std::int64_t tokens = 0;
    do {
      tokens += lengths[static_cast<std::size_t>(next)];
      indices.push_back(next++);
    } while (next < rows.count() && tokens + lengths[static_cast<std::size_t>(next)] <= batch_tokens);
    const Batch batch = make_batch(rows, indices);
    const ForwardPass pass = model.pass(batch.segments, adapters);
    const LinearCrossEntropyResult result =
        model.loss(model.forward(batch.ids, pass), batch.labels, 1.0, pass, /*sink=*/nullptr);
    score.loss_sum += result.loss_sum;
    score.tokens += result.count;
    done += tokens;
    if (!on_tokens(done)) {
      break;
    }
  }
  return score;
}

LanguageScore score_source(const LlamaForCausalLm& model, const AdapterSet& adapters, const Prepared& source,
                           std::int64_t batch_tokens, const std::function<bool(std::int64_t)>& on_tokens) {
  if (!source.is_text) {
    return score_rows(model, adapters, source.rows, batch_tokens, on_tokens);
  }
  LanguageScore score;
  std::int64_t done = 0;
  for (std::size_t i = 0; i < source.texts.size(); ++i) {
    const EvaluationText& text = source.texts[i];
    const std::vector<Window>& windows = source.windows[i];
    std::int64_t within = 0;
    std::size_t counted = 0;
    bool goes_on = true;
    score += score_windows(model, adapters, text.ids, windows, batch_tokens, [&](std::size_t windows_done) {
      for (; counted < windows_done; ++counted) {
        within += windows[counted].length;
      }
      goes_on = on_tokens(done + within);
      return goes_on;
    });
    score.bytes += text.bytes;
    score.words += text.words;
    done += within;
    if (!goes_on) {
      break;
    }
  }
  return score;
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

Metrics difference(const Metrics& metrics, const Metrics& base) {
  Metrics delta;
  for (const auto& [name, value] : metrics) {
    if (const auto found = base.find(name); found != base.end()) {
      delta[name] = value - found->second;
    }
  }
  return delta;
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
  const std::filesystem::path path = find_base(request.model, environment);
  const auto tokenizer = load_tokenizer(path);
  const BaseModel base = load_base(request.model, path, messages);
  settle_windows(request, base.model->config(), messages);

  std::vector<Prepared> sources;
  std::optional<ExampleMaker> maker;
  for (const SourceSpec& source : request.sources) {
    Prepared prepared;
    prepared.name = source.path;
    prepared.is_text = is_text_source(source);
    if (prepared.is_text) {
      prepared.texts = read_texts(source, *tokenizer);
      for (const EvaluationText& text : prepared.texts) {
        prepared.windows.push_back(
            plan_windows(static_cast<std::int64_t>(text.ids.size()), request.max_length, request.stride));
      }
    } else {
      if (!maker) {
        maker = make_example_builder(request.rows, path, tokenizer);
      }
      prepared.rows = read_row_source(source, request, maker->builder, environment, messages);
    }
    sources.push_back(std::move(prepared));
  }

  Evaluation evaluation;
  evaluation.base_name = base.name;
  evaluation.dtype = base.model->dtype() == at::kBFloat16 ? "bfloat16" : "float32";
  evaluation.max_length = request.max_length;
  evaluation.stride = request.stride;
  std::optional<LoraAdapter> adapter;
  if (!request.adapter.empty()) {
    std::vector<std::string> warnings;
    adapter = load_peft_adapter(request.adapter, *base.model, warnings);
    for (const std::string& warning : warnings) {
      messages.warning(warning);
    }
    evaluation.adapter_name = base_name(request.adapter, request.adapter);
  }

  const std::int64_t tokens =
      std::accumulate(sources.begin(), sources.end(), std::int64_t{0},
                      [](std::int64_t sum, const Prepared& source) { return sum + source.tokens(); });
  const auto start = std::chrono::steady_clock::now();
  const AdapterSet no_adapter;
  for (const Prepared& source : sources) {
    evaluation.sources.push_back({source.name, source.is_text, {}, std::nullopt});
  }
  for (const bool adapted : {false, true}) {
    if (adapted && !adapter) {
      continue;
    }
    std::int64_t before = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const LanguageScore score =
          score_source(*base.model, adapted ? adapter->weights : no_adapter, sources[i], request.batch_tokens,
                       [&](std::int64_t done) {
                         on_progress(adapted ? "adapter" : "base", before + done, tokens);
                         return *environment.signal == 0;
                       });
      if (*environment.signal != 0) {
        return std::nullopt;
      }
      (adapted ? evaluation.sources[i].adapted.emplace() : evaluation.sources[i].base) = score;
      before += sources[i].tokens();
    }
    evaluation.tokens += tokens;
  }
  evaluation.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  evaluation.metrics = language_metrics(total(evaluation.sources, adapter.has_value()));
  if (adapter) {
    evaluation.base = language_metrics(total(evaluation.sources, false));
    evaluation.delta = difference(evaluation.metrics, evaluation.base);
  }
  for (const Gate& gate : gates) {
    evaluation.gates.push_back(check_gate(gate, evaluation.metrics, evaluation.base, evaluation.delta));
  }
  return evaluation;
}

}  // namespace lore
