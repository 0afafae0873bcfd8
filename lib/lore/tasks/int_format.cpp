#include "lore/tasks/int_format.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lore/codecs/half.h"
#include "lore/codecs/int_codes.h"
#include "lore/core/error.h"
#include "lore/kernels/parallel.h"

namespace lore {
namespace {

constexpr std::array kFormats{
    IntFormat{"hf:w8a16", "W8A16", 8, false, false},
    IntFormat{"hf:w8a8", "W8A8", 8, false, true},
    IntFormat{"hf:w4a16", "W4A16", 4, true, false},
};

}  // namespace

std::span<const IntFormat> int_formats() { return kFormats; }

const IntFormat* int_format_named(std::string_view name) {
  const auto* const found = std::ranges::find(kFormats, name, &IntFormat::name);
  return found == kFormats.end() ? nullptr : found;
}

std::int64_t group_of(const IntFormat& format, std::int64_t columns) {
  if (!format.groups) {
    return columns % 4 == 0 ? columns : 0;
  }
  return columns % 128 == 0 ? 128 : columns % 32 == 0 ? 32 : 0;
}

float stored_scale(float scale, DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return float_from_half(half_from_float(scale));
    case DType::kBF16:
      return float_from_bfloat16(bfloat16_from_float(scale));
    default:
      return scale;
  }
}

IntMatrix round_to_nearest(const WeightSource& source, const std::string& tensor, at::IntArrayRef shape,
                           const IntFormat& format, std::span<const float> importance, DType scale_dtype) {
  const std::int64_t rows = shape[0];
  const std::int64_t columns = shape[1];
  const std::int64_t group = group_of(format, columns);
  const std::int64_t groups = columns / group;
  IntMatrix result;
  result.codes.resize(static_cast<std::size_t>(rows * columns));
  result.scales.resize(static_cast<std::size_t>(rows * groups));
  const auto encode = [&](std::int64_t first, std::int64_t last) {
    std::vector<float> row(static_cast<std::size_t>(columns));
    for (std::int64_t r = first; r < last; ++r) {
      source.read_rows(tensor, shape, r, 1, row.data());
      if (!std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); })) {
        throw Error(ErrorKind::kInput, fmt::format("tensor {}", tensor), "holds NaN or infinite values");
      }
      for (std::int64_t g = 0; g < groups; ++g) {
        const auto place = static_cast<std::size_t>(g * group);
        const auto width = static_cast<std::size_t>(group);
        const auto values = std::span(row).subspan(place, width);
        const auto counts = importance.empty() ? importance : importance.subspan(place, width);
        float& scale = result.scales[static_cast<std::size_t>(r * groups + g)];
        scale = stored_scale(int_scale(values, counts, format.bits), scale_dtype);
        int_codes(values, scale, format.bits,
                  std::span(result.codes).subspan(static_cast<std::size_t>(r * columns) + place, width));
      }
    }
  };
  parallel_for(0, rows, std::max<std::int64_t>(1, 16384 / columns), encode);
  return result;
}

at::Tensor dequantized(const IntMatrix& matrix, std::int64_t out, std::int64_t in) {
  at::Tensor result = at::empty({out, in}, at::TensorOptions(at::kFloat));
  auto* values = result.data_ptr<float>();
  const std::size_t group = matrix.codes.size() / matrix.scales.size();
  for (std::size_t i = 0; i < matrix.codes.size(); ++i) {
    values[i] = matrix.scales[i / group] * static_cast<float>(matrix.codes[i]);
  }
  return result;
}

}  // namespace lore
