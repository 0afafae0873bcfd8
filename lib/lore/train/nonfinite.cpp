#include "lore/train/nonfinite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace lore {
namespace {

bool all_finite(const at::Tensor& tensor) { return tensor.isfinite().all().item<bool>(); }

/// Where the forward pass of `batch` first gives something that is not finite.
std::string first_place(const FailedStep& step, const Batch& batch) {
  const ForwardPass pass = step.model.pass(batch.segments, step.adapters);
  Activations activations;
  step.model.forward(batch.ids, pass, &activations);
  for (std::size_t layer = 0; layer < activations.layers.size(); ++layer) {
    if (!all_finite(activations.layers[layer].input)) {
      return layer == 0 ? "first in the embeddings" : fmt::format("first after layer {}", layer - 1);
    }
    if (!all_finite(activations.layers[layer].after_attention)) {
      return fmt::format("first in the attention of layer {}", layer);
    }
  }
  return all_finite(activations.last_hidden)
             ? "first in the output head"
             : fmt::format("first after layer {}", activations.layers.size() - 1);
}

void add_rows(const Batch& batch, const Dataset& train, std::vector<std::string>& rows) {
  for (const std::int64_t example : batch.example_of_segment) {
    rows.push_back(train.view(example).source);
  }
}

std::string shown(std::vector<std::string> rows) {
  constexpr std::size_t kShown = 4;
  const std::string more = rows.size() > kShown ? fmt::format(" and {} more", rows.size() - kShown) : "";
  rows.resize(std::min(rows.size(), kShown));
  return fmt::format("{}{}", fmt::join(rows, ", "), more);
}

}  // namespace

std::string describe_nonfinite(const FailedStep& step) {
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < step.losses.size(); ++i) {
    if (!std::isfinite(step.losses[i])) {
      add_rows(step.batches[i], step.train, rows);
      return fmt::format("the loss is not finite ({}; rows {})", first_place(step, step.batches[i]),
                         shown(std::move(rows)));
    }
  }
  for (const Batch& batch : step.batches) {
    add_rows(batch, step.train, rows);
  }
  const std::optional<std::size_t> first = step.gradients.first_nonfinite();
  const std::string where =
      first ? "first that of " + parameter_names(step.adapters, adaptable_names(step.model.config()))[*first]
            : "its norm is too large";
  return fmt::format("the gradient is not finite ({}; rows {})", where, shown(std::move(rows)));
}

}  // namespace lore
