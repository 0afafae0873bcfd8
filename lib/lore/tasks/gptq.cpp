#include "lore/tasks/gptq.h"

#include <ATen/ops/argsort.h>
#include <ATen/ops/cholesky_inverse.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lore/codecs/int_codes.h"
#include "lore/core/error.h"
#include "lore/kernels/matmul.h"
#include "lore/kernels/parallel.h"

namespace lore {
namespace {

constexpr std::size_t kLinearsPerLayer = 7;
constexpr std::int64_t kColumnsAtOnce = 128;  ///< columns between two matrix products
constexpr double kDamping = 0.01;             ///< share of the mean diagonal that is added to it

/// The upper Cholesky factor of the inverse of H + damping, float32: what is left of the inverse when columns
/// have been taken out in order, a row for each.
at::Tensor inverse_factor(at::Tensor hessian) {
  at::Tensor h = hessian.to(at::kDouble);
  const double mean = h.diagonal().mean().item<double>();
  double damping = kDamping * (mean > 0 ? mean : 1.0);
  for (;;) {  // a matrix that is far from regular takes more
    h.diagonal().add_(damping);
    const auto [lower, failed] = at::linalg_cholesky_ex(h);
    if (failed.item<int>() == 0) {
      const auto [upper, also_failed] = at::linalg_cholesky_ex(at::cholesky_inverse(lower), /*upper=*/true);
      if (also_failed.item<int>() == 0) {
        return upper.to(at::kFloat).contiguous();
      }
    }
    damping *= 10;
  }
}

}  // namespace

IntMatrix gptq(at::Tensor weight, at::Tensor hessian, const IntFormat& format, std::int64_t group,
               DType scale_dtype) {
  const std::int64_t out = weight.size(0);
  const std::int64_t in = weight.size(1);
  const std::int64_t groups = in / group;
  const at::Tensor diagonal = hessian.diagonal().contiguous();
  const std::span<const float> importance(diagonal.const_data_ptr<float>(), static_cast<std::size_t>(in));
  IntMatrix result;
  result.codes.resize(static_cast<std::size_t>(out * in));
  result.scales.resize(static_cast<std::size_t>(out * groups));
  parallel_for(0, out, std::max<std::int64_t>(1, 16384 / in), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const std::span<const float> row(weight.const_data_ptr<float>() + r * in, static_cast<std::size_t>(in));
      for (std::int64_t g = 0; g < groups; ++g) {
        const auto place = static_cast<std::size_t>(g * group);
        const auto width = static_cast<std::size_t>(group);
        result.scales[static_cast<std::size_t>(r * groups + g)] = stored_scale(
            int_scale(row.subspan(place, width), importance.subspan(place, width), format.bits), scale_dtype);
      }
    }
  });
  const at::Tensor order = diagonal.argsort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
  const auto* places = order.const_data_ptr<std::int64_t>();
  at::Tensor w = weight.index_select(1, order).contiguous();
  weight.reset();
  const at::Tensor factor = inverse_factor(hessian.index_select(0, order).index_select(1, order));
  hessian.reset();
  const float* u = factor.const_data_ptr<float>();
  for (std::int64_t begin = 0; begin < in; begin += kColumnsAtOnce) {
    const std::int64_t end = std::min(in, begin + kColumnsAtOnce);
    at::Tensor errors = at::empty({out, end - begin}, at::kFloat);
    parallel_for(0, out, 8, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        float* row = w.data_ptr<float>() + r * in;
        float* error = errors.data_ptr<float>() + r * (end - begin);
        for (std::int64_t c = begin; c < end; ++c) {
          const std::int64_t column = places[c];
          const float scale = result.scales[static_cast<std::size_t>(r * groups + column / group)];
          std::int8_t& code = result.codes[static_cast<std::size_t>(r * in + column)];
          int_codes({row + c, 1}, scale, format.bits, {&code, 1});
          const float miss = (row[c] - scale * static_cast<float>(code)) / u[c * in + c];
          error[c - begin] = miss;
          for (std::int64_t later = c + 1; later < end; ++later) {
            row[later] -= miss * u[c * in + later];
          }
        }
      }
    });
    if (end < in) {
      const at::Tensor rest = factor.narrow(0, begin, end - begin).narrow(1, end, in - end).contiguous();
      w.narrow(1, end, in - end).sub_(matmul_nn(errors, rest));
    }
  }
  return result;
}

/// The source with some tensors in place of its own.
class GptqQuantizer::Overlay final : public WeightSource {
 public:
  explicit Overlay(const WeightSource& source) : source_(source) {}

  const LlamaConfig& config() const override { return source_.config(); }
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const override {
    const auto found = tensors.find(name);
    return found == tensors.end() ? source_.tensor(name, shape, dtype) : found->second.to(dtype);
  }
  void read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first, std::int64_t count,
                 float* target) const override {
    source_.read_rows(name, shape, first, count, target);
  }
  std::vector<std::string> unused(const std::vector<std::string>& used) const override {
    return source_.unused(used);
  }
  std::vector<std::filesystem::path> files() const override { return source_.files(); }

  std::map<std::string, at::Tensor> tensors;

 private:
  const WeightSource& source_;
};

GptqQuantizer::GptqQuantizer(const WeightSource& source, const TokenSequences& sequences,
                             const IntFormat& format, DType scale_dtype)
    : source_(source),
      format_(format),
      scale_dtype_(scale_dtype),
      overlay_(std::make_unique<Overlay>(source)),
      model_(*overlay_, sequences) {
  const std::vector<LinearShape> linears = model_linears(source.config());
  for (std::size_t i = 0; i < linears.size(); ++i) {
    places_[linears[i].name + ".weight"] = {i / kLinearsPerLayer, i % kLinearsPerLayer};
  }
}

GptqQuantizer::~GptqQuantizer() = default;

void GptqQuantizer::begin_layer(std::size_t layer) {
  for (std::size_t before = layer_ ? *layer_ : 0; before < layer; ++before) {
    model_.advance(*model_.load_layer(before));
    overlay_->tensors.clear();
  }
  layer_ = layer;
  hessians_.clear();
  model_.observe_inputs(*model_.load_layer(layer), [&](const DecoderLayer::Inputs& inputs) {
    for (const std::size_t linear : {0U, 3U, 4U, 6U}) {
      const at::Tensor x = input_of(inputs, linear).contiguous();
      at::Tensor& sum = hessians_[linear];
      if (!sum.defined()) {
        sum = at::zeros({x.size(1), x.size(1)}, at::kFloat);
      }
      matmul_tn_add(sum, x, x);
    }
  });
}

IntMatrix GptqQuantizer::operator()(const FolderTensor& tensor) {
  const auto [layer, linear] = places_.at(tensor.source);
  if (layer_ != layer) {
    begin_layer(layer);
  }
  at::Tensor weight = source_.tensor(tensor.source, tensor.shape, at::kFloat).clone();
  if (!weight.isfinite().all().item<bool>()) {
    throw Error(ErrorKind::kInput, fmt::format("tensor {}", tensor.source), "holds NaN or infinite values");
  }
  const std::size_t shared = linear < 3 ? 0 : linear == 5 ? 4 : linear;
  IntMatrix result =
      gptq(std::move(weight), hessians_.at(shared).clone(), format_, tensor.group, scale_dtype_);
  overlay_->tensors[tensor.source] = dequantized(result, tensor.shape[0], tensor.shape[1]);
  return result;
}

}  // namespace lore
