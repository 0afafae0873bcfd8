#include "lore/kernels/matmul.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <string>

#include "lore/kernels/checks.h"
#include "lore/kernels/few_rows.h"
#include "lore/kernels/onednn_linear.h"

namespace lore {
namespace {

/// Elements of a weight that are widened to float32 at a time: 32 MiB, so that the copy of a large
/// matrix never stands in memory whole.
constexpr std::int64_t kPanelElements = 8 << 20;

bool is_matrix(const at::Tensor& x) {
  return x.dim() == 2 && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         (x.stride(1) == 1 || x.size(1) <= 1);
}

/// Whether LibTorch's own product is the right one: equal types, and bfloat16 only where the processor has it
/// (elsewhere it is ten times slower than widening and multiplying in float32).
bool is_direct(const at::Tensor& a, const at::Tensor& b, const at::Tensor& out) {
  if (a.scalar_type() != b.scalar_type() || out.scalar_type() != a.scalar_type()) {
    return false;
  }
  return a.scalar_type() == at::kFloat || !a.is_cpu() || has_native_bf16();
}

bool has_few_rows(const at::Tensor& x) { return x.is_cpu() && x.size(0) <= kFewRows; }

/// a·b of one type.
at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor columns = b.t();
  return prefers_onednn(a, columns) ? onednn_linear(a, columns) : at::mm(a, b);
}

void product_out(at::Tensor& c, const at::Tensor& a, const at::Tensor& b) {
  if (prefers_onednn(a, b.t())) {
    c.copy_(product(a, b));
  } else {
    at::mm_out(c, a, b);
  }
}

std::int64_t panel_rows(const at::Tensor& w) {
  return std::max<std::int64_t>(1, kPanelElements / std::max<std::int64_t>(1, w.size(1)));
}

}  // namespace

bool has_native_bf16() {
  static const bool has = [] {
    const std::string capability = at::get_cpu_capability();
    return __builtin_cpu_supports("avx512bf16") && (capability == "AVX512" || capability == "AMX");
  }();
  return has;
}

void matmul_nt_out(at::Tensor& y, const at::Tensor& x, const at::Tensor& w) {
  check_argument(is_matrix(x) && is_matrix(w) && is_matrix(y) && x.size(1) == w.size(1) &&
                     y.size(0) == x.size(0) && y.size(1) == w.size(0),
                 "matmul_nt", "x [N, in], w [out, in] and y [N, out]");
  if (has_few_rows(x)) {
    few_rows_product(y, x, w);
    return;
  }
  if (is_direct(x, w, y)) {
    product_out(y, x, w.t());
    return;
  }
  const at::Tensor wide_x = x.to(at::kFloat);
  const std::int64_t rows = panel_rows(w);
  for (std::int64_t first = 0; first < w.size(0); first += rows) {
    const std::int64_t count = std::min(rows, w.size(0) - first);
    const at::Tensor panel = w.narrow(0, first, count).to(at::kFloat);
    if (count == w.size(0) && y.scalar_type() == at::kFloat) {
      product_out(y, wide_x, panel.t());
    } else {
      y.narrow(1, first, count).copy_(product(wide_x, panel.t()));
    }
  }
}

void matmul_nn_out(at::Tensor& dx, const at::Tensor& dy, const at::Tensor& w) {
  check_argument(is_matrix(dy) && is_matrix(w) && is_matrix(dx) && dy.size(1) == w.size(0) &&
                     dx.size(0) == dy.size(0) && dx.size(1) == w.size(1),
                 "matmul_nn", "dy [N, out], w [out, in] and dx [N, in]");
  if (is_direct(dy, w, dx)) {
    product_out(dx, dy, w);
    return;
  }
  const at::Tensor wide_dy = dy.to(at::kFloat);
  const std::int64_t rows = panel_rows(w);
  at::Tensor sum;
  for (std::int64_t first = 0; first < w.size(0); first += rows) {
    const std::int64_t count = std::min(rows, w.size(0) - first);
    const at::Tensor panel = w.narrow(0, first, count).to(at::kFloat);
    const at::Tensor part = wide_dy.narrow(1, first, count);
    if (sum.defined()) {
      sum.add_(product(part, panel));
    } else {
      sum = product(part, panel);
    }
  }
  if (sum.defined()) {
    dx.copy_(sum);
  } else {
    dx.zero_();
  }
}

void matmul_tn_out(at::Tensor& c, const at::Tensor& a, const at::Tensor& b) {
  check_argument(is_matrix(a) && is_matrix(b) && is_matrix(c) && a.size(0) == b.size(0) &&
                     c.size(0) == a.size(1) && c.size(1) == b.size(1),
                 "matmul_tn", "a [N, m], b [N, n] and c [m, n]");
  if (is_direct(a, b, c)) {
    product_out(c, a.t(), b);
  } else {
    c.copy_(product(a.to(at::kFloat).t(), b.to(at::kFloat)));
  }
}

void matmul_tn_add(at::Tensor& c, const at::Tensor& a, const at::Tensor& b) {
  check_argument(is_matrix(a) && is_matrix(b) && is_matrix(c) && c.scalar_type() == at::kFloat &&
                     a.size(0) == b.size(0) && c.size(0) == a.size(1) && c.size(1) == b.size(1),
                 "matmul_tn_add", "a [N, m], b [N, n] and c [m, n] float32");
  c.addmm_(a.to(at::kFloat).t(), b.to(at::kFloat));
}

at::Tensor matmul_nt(const at::Tensor& x, const at::Tensor& w) {
  check_argument(is_matrix(x) && is_matrix(w) && x.size(1) == w.size(1), "matmul_nt",
                 "x [N, in] and w [out, in]");
  if (is_direct(x, w, x) && !has_few_rows(x)) {
    return product(x, w.t());
  }
  at::Tensor y = at::empty({x.size(0), w.size(0)}, x.options());
  matmul_nt_out(y, x, w);
  return y;
}

at::Tensor matmul_nn(const at::Tensor& dy, const at::Tensor& w) {
  check_argument(is_matrix(dy) && is_matrix(w) && dy.size(1) == w.size(0), "matmul_nn",
                 "dy [N, out] and w [out, in]");
  if (is_direct(dy, w, dy)) {
    return product(dy, w);
  }
  at::Tensor dx = at::empty({dy.size(0), w.size(1)}, dy.options());
  matmul_nn_out(dx, dy, w);
  return dx;
}

at::Tensor matmul_tn(const at::Tensor& a, const at::Tensor& b) {
  const bool wide = a.scalar_type() == at::kFloat || b.scalar_type() == at::kFloat;
  at::Tensor c = at::empty({a.size(1), b.size(1)}, a.options().dtype(wide ? at::kFloat : at::kBFloat16));
  matmul_tn_out(c, a, b);
  return c;
}

}  // namespace lore
