#include "lore/kernels/onednn_linear.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string>
#include <string_view>

namespace lore {
namespace {

/// One row is a product with a vector, limited by memory, where the preparations of oneDNN only cost.
constexpr std::int64_t kFewestRows = 2;

using Linear = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                          std::string_view, c10::List<std::optional<at::Scalar>>,
                          std::optional<std::string_view>);

/// LibTorch's operator, or nothing where its build has no oneDNN or another one.
const std::optional<c10::TypedOperatorHandle<Linear>>& linear_operator() {
  static const auto found = []() -> std::optional<c10::TypedOperatorHandle<Linear>> {
    const auto handle = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!handle || !handle->hasKernelForDispatchKey(c10::DispatchKey::CPU)) {
      return std::nullopt;
    }
    return handle->typed<Linear>();
  }();
  return found;
}

bool has_avx512() {
  static const bool has = [] {
    const std::string capability = at::get_cpu_capability();
    return capability == "AVX512" || capability == "AMX";
  }();
  return has;
}

}  // namespace

bool prefers_onednn(const at::Tensor& x, const at::Tensor& w) {
  // A weight with gaps between its rows or columns would fall to a reference implementation, a thousand times
  // slower.
  const bool is_dense = w.is_contiguous() || w.t().is_contiguous();
  return is_dense && x.is_cpu() && x.scalar_type() == at::kFloat && w.scalar_type() == at::kFloat &&
         x.size(0) >= kFewestRows && x.size(1) > 0 && w.size(0) > 0 && has_avx512() && linear_operator();
}

at::Tensor onednn_linear(const at::Tensor& x, const at::Tensor& w) {
  return linear_operator()->call(x, w, std::nullopt, "none", c10::List<std::optional<at::Scalar>>(), "");
}

}  // namespace lore
