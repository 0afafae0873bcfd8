#include "lore/tasks/merged_source.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mul.h>

#include <algorithm>

#include "lore/kernels/matmul.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/rescale_rows.h"

namespace lore {

MergedSource::MergedSource(const WeightSource& base, const StoredAdapter& adapter)
    : adapted_(base, adapter), adapter_(adapter) {
  const std::vector<LinearShape> linears = adaptable_modules(adapted_.config());
  for (const StoredLowRank& module : adapter.modules()) {
    modules_[linears[module.linear].name + ".weight"] = &module;
  }
}

at::Tensor MergedSource::tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const {
  if (!modules_.contains(name)) {
    return adapted_.tensor(name, shape, dtype);
  }
  constexpr std::int64_t kPieceElements = 1 << 20;
  at::Tensor result = at::empty(shape, at::TensorOptions(at::kFloat));
  parallel_for(0, shape[0], std::max<std::int64_t>(1, kPieceElements / shape[1]),
               [&](std::int64_t first, std::int64_t last) {
                 read_rows(name, shape, first, last - first, result.data_ptr<float>() + first * shape[1]);
               });
  return result.to(dtype);
}

void MergedSource::read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first,
                             std::int64_t count, float* target) const {
  adapted_.read_rows(name, shape, first, count, target);
  const auto module = modules_.find(name);
  if (module == modules_.end()) {
    return;
  }
  const LowRank low_rank = adapter_.read(*module->second);
  at::Tensor delta = at::empty({count, shape[1]}, at::TensorOptions(at::kFloat));
  matmul_nn_out(delta, low_rank.b.narrow(0, first, count).mul(low_rank.scale), low_rank.a);
  if (low_rank.is_dora()) {
    rescale_rows(target, delta.data_ptr<float>(), count, shape[1],
                 low_rank.magnitude.data_ptr<float>() + first);
  }
  at::from_blob(target, {count, shape[1]}, at::TensorOptions(at::kFloat)).add_(delta);
}

}  // namespace lore
