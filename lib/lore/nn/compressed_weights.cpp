#include "lore/nn/compressed_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "lore/codecs/half.h"
#include "lore/codecs/int_codes.h"
#include "lore/core/error.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

constexpr std::string_view kWeight = ".weight";

template <typename T>
T element(const TensorView& view, std::int64_t index) {
  T value;
  std::memcpy(&value, view.bytes.data() + static_cast<std::size_t>(index) * sizeof(T), sizeof(T));
  return value;
}

/// Element `index` of a float tensor.
float float_at(const TensorView& view, std::int64_t index) {
  switch (view.dtype) {
    case DType::kF32:
      return element<float>(view, index);
    case DType::kF16:
      return float_from_half(element<std::uint16_t>(view, index));
    default:
      return float_from_bfloat16(element<std::uint16_t>(view, index));
  }
}

std::int64_t elements_of(const TensorView& view) {
  return static_cast<std::int64_t>(view.bytes.size() / size_of(view.dtype));
}

}  // namespace

void CompressedWeight::read_rows(std::int64_t first, std::int64_t count, float* target) const {
  const std::int64_t scales = elements_of(scale);
  const std::int64_t rows = codes.shape[0];
  const std::int64_t groups = scales >= rows ? scales / rows : 1;
  const std::int64_t group = columns / groups;
  const std::int64_t words = packed ? codes.shape[1] : 0;
  std::vector<std::int8_t> row(static_cast<std::size_t>(columns));
  std::vector<std::uint32_t> packed_row(static_cast<std::size_t>(words));
  std::vector<float> own(static_cast<std::size_t>(groups));
  std::vector<float> zero(own.size(), 0.0F);
  for (std::int64_t r = first; r < first + count; ++r, target += columns) {
    if (packed) {
      std::memcpy(packed_row.data(), codes.bytes.data() + static_cast<std::size_t>(r * words) * 4,
                  packed_row.size() * 4);
      unpack_codes(packed_row, bits, row);
    } else {
      std::memcpy(row.data(), codes.bytes.data() + r * columns, row.size());
    }
    for (std::size_t g = 0; g < own.size(); ++g) {
      const auto place = static_cast<std::int64_t>(g);
      own[g] = float_at(scale, scales >= rows ? r * groups + place : 0);
      if (!zero_point) {
        continue;
      }
      if (packed) {
        const std::int64_t bit = r * bits;
        const auto word = element<std::uint32_t>(*zero_point, bit / 32 * groups + place);
        const std::uint32_t mask = (1U << bits) - 1;
        zero[g] = static_cast<float>(static_cast<int>(word >> (bit % 32) & mask) - (1 << (bits - 1)));
      } else {
        zero[g] =
            static_cast<float>(element<std::int8_t>(*zero_point, scales >= rows ? r * groups + place : 0));
      }
    }
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto g = static_cast<std::size_t>(group_of ? element<std::int32_t>(*group_of, c) : c / group);
      target[c] = own[g] * (static_cast<float>(row[static_cast<std::size_t>(c)]) - zero[g]);
    }
  }
}

std::vector<std::string> compressed_names(const std::string& name) {
  std::vector<std::string> names;
  if (name.ends_with(kWeight)) {
    for (const char* part : {"_packed", "_scale", "_shape", "_zero_point", "_g_idx"}) {
      names.push_back(name + part);
    }
  }
  return names;
}

std::optional<CompressedWeight> find_compressed(const Checkpoint& checkpoint, const std::string& name,
                                                std::span<const std::int64_t> shape,
                                                const std::string& subject) {
  const TensorView* packed = checkpoint.find(name + "_packed");
  const TensorView* plain = checkpoint.find(name);
  if (packed == nullptr && (plain == nullptr || plain->dtype != DType::kI8)) {
    return std::nullopt;
  }
  const auto refuse = [&](const std::string& part, const std::string& message) {
    throw Error(ErrorKind::kInput, fmt::format("{}: tensor {}{}", subject, name, part), message);
  };
  const TensorView* scale = checkpoint.find(name + "_scale");
  if (scale == nullptr) {
    refuse("_scale", "is missing");
  }
  if (!torch_dtype(scale->dtype)) {
    refuse("_scale", fmt::format("expected F32, F16 or BF16, got {}", name_of(scale->dtype)));
  }
  if (shape.size() != 2) {
    refuse("", "is compressed, but no matrix");
  }
  CompressedWeight result;
  result.packed = packed != nullptr;
  result.codes = packed != nullptr ? *packed : *plain;
  result.scale = *scale;
  result.columns = shape[1];
  const std::string found = fmt::format("[{}]", fmt::join(result.codes.shape, ","));
  if (result.packed) {
    for (const int bits : {4, 8}) {
      if (packed->shape == std::vector<std::int64_t>{shape[0], packed_words(shape[1], bits)}) {
        result.bits = bits;
      }
    }
    if (packed->dtype != DType::kI32 || packed->shape.size() != 2 || packed->shape[0] != shape[0] ||
        packed->shape[1] != packed_words(shape[1], result.bits)) {
      refuse("_packed", fmt::format("{} {} does not hold [{}] in 4 or 8 bits", name_of(packed->dtype), found,
                                    fmt::join(shape, ",")));
    }
  } else if (plain->shape != std::vector<std::int64_t>(shape.begin(), shape.end())) {
    throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: tensor {}", subject, name),
                          fmt::format("[{}]", fmt::join(shape, ",")), found);
  }
  const std::int64_t scales = elements_of(*scale);
  const std::int64_t groups = scales / shape[0];
  if (scales != 1 && (scales % shape[0] != 0 || groups < 1 || shape[1] % groups != 0)) {
    refuse("_scale",
           fmt::format("[{}] are no groups of [{}]", fmt::join(scale->shape, ","), fmt::join(shape, ",")));
  }
  if (const TensorView* zero = checkpoint.find(name + "_zero_point")) {
    const std::int64_t wanted = result.packed ? packed_words(shape[0], result.bits) * groups : scales;
    if (zero->dtype != (result.packed ? DType::kI32 : DType::kI8) || elements_of(*zero) != wanted) {
      refuse("_zero_point", "has another type or shape than its weights ask for");
    }
    result.zero_point = *zero;
  }
  if (const TensorView* order = checkpoint.find(name + "_g_idx")) {
    bool sound = order->dtype == DType::kI32 && elements_of(*order) == shape[1];
    for (std::int64_t c = 0; sound && c < shape[1]; ++c) {
      const auto g = element<std::int32_t>(*order, c);
      sound = g >= 0 && g < std::max<std::int64_t>(groups, 1);
    }
    if (!sound) {
      refuse("_g_idx", "does not give each column one of the groups");
    }
    result.group_of = *order;
  }
  return result;
}

}  // namespace lore
