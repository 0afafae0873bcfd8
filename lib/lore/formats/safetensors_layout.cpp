#include "lore/formats/safetensors_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

#include "lore/core/error.h"
#include "lore/core/printable.h"

namespace lore {
namespace {

/// The rank of a dtype in the order of Hugging Face's library, whose writer sorts by it, descending.
int writing_rank(DType dtype) {
  constexpr std::array kOrder{DType::kBool,   DType::kU8,  DType::kI8,  DType::kF8E5M2,
                              DType::kF8E4M3, DType::kI16, DType::kF16, DType::kBF16,
                              DType::kI32,    DType::kF32, DType::kF64, DType::kI64};
  return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), dtype) - kOrder.begin());
}

std::vector<std::size_t> writing_order(const std::string& subject, std::span<const TensorSpec> tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return tensors[a].name < tensors[b].name; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (tensors[order[i]].name == tensors[order[i - 1]].name) {
      throw Error(ErrorKind::kInternal, subject,
                  fmt::format("the tensor {} would be written twice", in_quotes(tensors[order[i]].name)));
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return writing_rank(tensors[a].dtype) > writing_rank(tensors[b].dtype);
  });
  return order;
}

}  // namespace

std::optional<std::uint64_t> byte_size(DType dtype, std::span<const std::int64_t> shape) {
  std::uint64_t bytes = size_of(dtype);
  for (const std::int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dimension), &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

SafetensorsLayout lay_out_safetensors(const std::string& subject, std::span<const TensorSpec> tensors,
                                      const std::map<std::string, std::string>& metadata) {
  SafetensorsLayout layout;
  layout.order = writing_order(subject, tensors);
  layout.offsets.resize(tensors.size());
  std::string text = "{";
  if (!metadata.empty()) {
    text += R"("__metadata__":)" + nlohmann::json(metadata).dump();
  }
  std::uint64_t offset = 0;
  for (const std::size_t index : layout.order) {
    const TensorSpec& tensor = tensors[index];
    const auto bytes = byte_size(tensor.dtype, tensor.shape);
    if (!bytes) {
      throw Error(ErrorKind::kInternal, subject,
                  fmt::format("tensor {}: the shape [{}] overflows", in_quotes(tensor.name),
                              fmt::join(tensor.shape, ",")));
    }
    text += fmt::format(R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                        text.size() > 1 ? "," : "", nlohmann::json(tensor.name).dump(), name_of(tensor.dtype),
                        fmt::join(tensor.shape, ","), offset, offset + *bytes);
    layout.offsets[index] = offset;
    offset += *bytes;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  layout.head.resize(sizeof length);
  std::memcpy(layout.head.data(), &length, sizeof length);
  layout.head += text;
  for (std::uint64_t& place : layout.offsets) {
    place += layout.head.size();
  }
  layout.file_size = layout.head.size() + offset;
  return layout;
}

}  // namespace lore
