#include "lore/tasks/replaced_parameters.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/nn/tensor_dtype.h"
#include "lore/tasks/adapted_source.h"

namespace lore {
namespace {

/// Elements that are compared at a time.
constexpr std::int64_t kPieceElements = 1 << 20;

RoundedUpdate compare(const MergeBase& base, const StoredParameter& parameter, at::ScalarType dtype) {
  const std::vector<std::int64_t>& shape = parameter.view.shape;
  const std::int64_t columns = shape.back();
  const std::int64_t rows = shape.size() == 2 ? shape[0] : 1;
  const std::int64_t step = std::max<std::int64_t>(1, kPieceElements / columns);
  at::Tensor before = at::empty({std::min(step, rows), columns}, at::kFloat);
  at::Tensor after = at::empty_like(before);
  std::vector<std::byte> out(static_cast<std::size_t>(before.numel()) * sizeof(float));
  RoundedUpdate update;
  for (std::int64_t row = 0; row < rows; row += step) {
    const std::int64_t count = std::min(step, rows - row);
    base.bare->read_rows(base_tensor_name(base.bare->config(), parameter.name), shape, row, count,
                         before.data_ptr<float>());
    base.weights->read_rows(parameter.name, shape, row, count, after.data_ptr<float>());
    after.sub_(before);
    update +=
        add_rounded(before.data_ptr<float>(), after.data_ptr<float>(), count * columns, dtype, out.data());
  }
  return update;
}

}  // namespace

std::vector<ModuleUpdate> replaced_parameters(const MergePlan& plan, const MergeBase& base,
                                              const StoredAdapter& adapter) {
  std::vector<ModuleUpdate> updates;
  updates.reserve(adapter.full().size());
  for (const StoredParameter& parameter : adapter.full()) {
    const auto planned =
        std::find_if(plan.tensors.begin(), plan.tensors.end(),
                     [&](const MergedTensor& tensor) { return tensor.spec.name == parameter.name; });
    constexpr std::string_view kWeight = ".weight";
    const std::string name = parameter.name.ends_with(kWeight)
                                 ? parameter.name.substr(0, parameter.name.size() - kWeight.size())
                                 : parameter.name;
    updates.push_back({name, compare(base, parameter, *torch_dtype(planned->spec.dtype))});
  }
  return updates;
}

void refuse_other_base_copies(const StoredAdapter& adapter, const MergeBase& base) {
  for (const StoredParameter& copy : adapter.base_copies()) {
    const std::vector<std::int64_t>& shape = copy.view.shape;
    at::Tensor row = at::empty({shape[1]}, at::kFloat);
    const at::Tensor saved = at::from_blob(const_cast<std::byte*>(copy.view.bytes.data()), shape,
                                           at::TensorOptions(*torch_dtype(copy.view.dtype)));
    for (std::int64_t i = 0; i < shape[0]; ++i) {
      base.bare->read_rows(base_tensor_name(base.bare->config(), copy.name), shape, i, 1,
                           row.data_ptr<float>());
      if (!saved.select(0, i).equal(row.to(saved.scalar_type()))) {
        throw Error(ErrorKind::kRefused,
                    fmt::format("{}: {}", adapter.weights_file().string(), copy.view.name),
                    "holds other values than the base's own: the adapter was made on another base");
      }
    }
  }
}

}  // namespace lore
