#include "lore/tasks/language_sources.h"

#include "lore/core/error.h"
#include "lore/data/bad_rows.h"
#include "lore/data/batch.h"
#include "lore/data/load_dataset.h"
#include "lore/data/overlong.h"
#include "lore/data/row_policy.h"

namespace lore {
namespace {

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

}  // namespace

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
    return prepared;
  }
  prepared.texts = read_texts(source, tokenizer);
  for (const EvaluationText& text : prepared.texts) {
    prepared.windows.push_back(
        plan_windows(static_cast<std::int64_t>(text.ids.size()), request.max_length, request.stride));
  }
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
