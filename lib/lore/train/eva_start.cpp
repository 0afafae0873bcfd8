#include "lore/train/eva_start.h"

#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>

#include "lore/adapters/eva.h"
#include "lore/core/error.h"
#include "lore/data/batch.h"
#include "lore/data/batch_plan.h"
#include "lore/train/trainer.h"

namespace lore {
namespace {

constexpr std::int64_t kMostBatches = 1000;

/// int64 positions in `batch`: of the trained tokens, or of all.
at::Tensor counted_rows(const Batch& batch, const Dataset& train, bool trained_only) {
  std::vector<std::int64_t> rows;
  std::int64_t position = 0;
  for (const std::int64_t example : batch.example_of_segment) {
    for (const std::uint8_t trained : train.view(example).trained) {
      if (trained != 0 || !trained_only) {
        rows.push_back(position);
      }
      ++position;
    }
  }
  return at::tensor(rows, at::kLong);
}

void describe_start(const LoraAdapter& adapter, std::int64_t batches, std::size_t modules,
                    Messages& messages) {
  const std::vector<std::size_t> linears = adapter.weights.linears();
  const auto rank = [&](std::size_t linear) { return adapter.weights.find(linear)->rank(); };
  const auto [least, most] = std::ranges::minmax(linears, {}, rank);
  const std::size_t dropped = modules - linears.size();
  messages.info(fmt::format("EVA: {} batch(es) read; ranks {} to {}{}", batches, rank(least), rank(most),
                            dropped > 0 ? fmt::format("; {} module(s) get no update", dropped) : ""));
}

}  // namespace

void start_with_eva(LoraAdapter& adapter, const LlamaForCausalLm& model, const Dataset& train,
                    const Recipe& recipe, Messages& messages, const std::atomic<int>& signal) {
  const EvaSpec& spec = recipe.adapter.eva_config;
  Eva eva(adapter.config, spec, model);
  const std::vector<std::int64_t> lengths = train.lengths();
  const BatchPlan batches(lengths, batch_options(recipe, train), 0);
  const AdapterSet none;
  std::int64_t read = 0;
  for (; eva.wants_more() && batches.count() > 0; ++read) {
    if (signal != 0) {
      return;
    }
    if (read == batches.count() && !eva.has_components()) {
      throw Error(
          ErrorKind::kUsage, "adapter.init_lora_weights",
          fmt::format("eva needs {} {}tokens in a batch (adapter.r times adapter.eva_config.rho), and "
                      "no batch has as many; raise training.batch_size, or lower one of the two{}",
                      eva.most_components(), spec.use_label_mask ? "trained " : "",
                      spec.use_label_mask ? ", or set adapter.eva_config.use_label_mask: false" : ""));
    }
    if (read == kMostBatches) {
      throw Error(
          ErrorKind::kUsage, "adapter.init_lora_weights",
          fmt::format("eva: the components still turn after {} batches, as they do where the data have "
                      "fewer directions than adapter.r; lower adapter.r or adapter.eva_config.tau",
                      read));
    }
    const Batch batch = make_batch(train, batches.batch(read % batches.count()));
    const ForwardPass pass = model.pass(batch.segments, none);
    Activations activations;
    const at::Tensor hidden = model.forward(batch.ids, pass, &activations);
    eva.add(model, activations, hidden, counted_rows(batch, train, spec.use_label_mask).to(model.device()));
  }
  if (eva.has_components()) {
    const std::size_t modules = adapter.weights.linears().size();
    eva.apply(adapter, model);
    describe_start(adapter, read, modules, messages);
  }
}

}  // namespace lore
