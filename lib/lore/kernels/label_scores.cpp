#include "lore/kernels/label_scores.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logsumexp.h>

#include <algorithm>

#include "lore/kernels/checks.h"
#include "lore/kernels/trained_rows.h"

namespace lore {

std::vector<LabelScore> label_scores(const at::Tensor& hidden, LogitLayer& layer,
                                     const std::vector<std::int32_t>& labels) {
  check_argument(
      hidden.dim() == 2 && is_supported(hidden) && static_cast<std::int64_t>(labels.size()) == hidden.size(0),
      "label_scores", "hidden [N, D] and N labels");
  TrainedRows trained = trained_rows(labels, layer.vocabulary(), "label_scores");
  std::vector<LabelScore> scores;
  scores.reserve(trained.rows.size());
  const auto total = static_cast<std::int64_t>(trained.rows.size());
  const std::int64_t chunk = std::max<std::int64_t>(1, kLogitsBytes / (layer.vocabulary() * 4));
  for (std::int64_t first = 0; first < total; first += chunk) {
    const std::int64_t count = std::min(chunk, total - first);
    const at::Tensor index =
        at::from_blob(trained.rows.data() + first, {count}, at::kLong).to(hidden.device());
    const at::Tensor target =
        at::from_blob(trained.labels.data() + first, {count, 1}, at::kLong).to(hidden.device());
    const at::Tensor logits = layer.forward(at::index_select(hidden, 0, index)).to(at::kFloat);
    const at::Tensor chosen = logits.gather(1, target).squeeze(1);
    const at::Tensor log_p = (chosen - at::logsumexp(logits, 1)).to(at::kCPU).contiguous();
    const at::Tensor greedy = (chosen >= at::amax(logits, 1)).to(at::kCPU).contiguous();
    for (std::int64_t i = 0; i < count; ++i) {
      scores.push_back(
          {static_cast<double>(log_p.const_data_ptr<float>()[i]), greedy.const_data_ptr<bool>()[i]});
    }
  }
  return scores;
}

}  // namespace lore
