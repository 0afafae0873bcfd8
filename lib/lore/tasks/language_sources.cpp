#include "lore/tasks/language_sources.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "lore/data/bad_rows.h"
#include "lore/data/batch.h"
#include "lore/data/load_dataset.h"
#include "lore/data/overlong.h"
#include "lore/data/row_policy.h"

namespace lore {
namespace {

constexpr std::int64_t kUsualWindow = 2048;

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

/// Hash of the examples' tokens and labels.
std::string identity_of(const Dataset& rows) {
  Sha256 hash;
  for (std::int64_t i = 0; i < rows.count(); ++i) {
    const ExampleView example = rows.view(i);
    hash.update(std::to_string(example.ids.size()) + "\n");
    hash.update(std::as_bytes(example.ids));
    hash.update(std::as_bytes(example.trained));
  }
  return hash.hex();
}

/// Hash of the texts' tokens and windows.
std::string identity_of(std::span<const EvaluationText> texts, std::span<const std::vector<Window>> windows) {
  Sha256 hash;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    hash.update(
        fmt::format("{} tokens, {} bytes, {} words\n", texts[i].ids.size(), texts[i].bytes, texts[i].words));
    hash.update(std::as_bytes(std::span(texts[i].ids)));
    for (const Window& window : windows[i]) {
      hash.update(fmt::format("{} {} {}\n", window.first, window.length, window.scored));
    }
  }
  return hash.hex();
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

}  // namespace

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

std::int64_t LanguageSource::tokens() const {
  std::int64_t total = rows.tokens();
  for (const std::vector<Window>& plan : windows) {
    for (const Window& window : plan) {
      total += window.length;
    }
  }
  return total;
}

LanguageSource prepare_source(const SourceSpec& source, const EvaluateRequest& request,
                              const ExampleMaker& maker, const Tokenizer& tokenizer,
                              const Environment& environment, Messages& messages) {
  LanguageSource prepared;
  prepared.name = source.path;
  prepared.is_text = is_text_source(source);
  if (!prepared.is_text) {
    prepared.rows = read_row_source(source, request, maker.builder, environment, messages);
    prepared.identity = identity_of(prepared.rows);
    return prepared;
  }
  prepared.texts = read_texts(source, tokenizer);
  for (const EvaluationText& text : prepared.texts) {
    prepared.windows.push_back(
        plan_windows(static_cast<std::int64_t>(text.ids.size()), request.max_length, request.stride));
  }
  prepared.identity = identity_of(prepared.texts, prepared.windows);
  return prepared;
}

LanguageScore score_source(const LlamaForCausalLm& model, const AdapterSet& adapters,
                           const LanguageSource& source, std::int64_t batch_tokens,
                           const std::function<bool(std::int64_t)>& on_tokens) {
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

}  // namespace lore
