#include "lore/tasks/tensor_scan.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>

#include "lore/codecs/ggml_blocks.h"
#include "lore/codecs/half.h"
#include "lore/kernels/add_rounded.h"
#include "lore/kernels/parallel.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

/// The type as GGUF has it, which knows every type that Lore computes with.
std::optional<GgmlType> block_type(const std::variant<DType, GgmlType>& type) {
  if (const auto* ggml = std::get_if<GgmlType>(&type)) {
    return can_decode(*ggml) ? std::optional(*ggml) : std::nullopt;
  }
  switch (std::get<DType>(type)) {
    case DType::kF32:
      return GgmlType::kF32;
    case DType::kF16:
      return GgmlType::kF16;
    case DType::kBF16:
      return GgmlType::kBF16;
    default:
      return std::nullopt;
  }
}

std::optional<at::ScalarType> plain_type(GgmlType type) {
  switch (type) {
    case GgmlType::kF32:
      return at::kFloat;
    case GgmlType::kF16:
      return at::kHalf;
    case GgmlType::kBF16:
      return at::kBFloat16;
    default:
      return std::nullopt;
  }
}

bool all_zero(std::span<const std::byte> bytes) {
  return bytes.empty() ||
         (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

/// A run of whole blocks of one tensor.
struct Piece {
  std::size_t tensor;
  std::size_t begin;  ///< byte
  std::size_t end;
};

/// The place of the first value in `values` that is no finite number, or -1.
std::int64_t first_not_finite(const std::vector<float>& values) {
  const auto found =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  return found == values.end() ? -1 : found - values.begin();
}

ScanResult scan_piece(GgmlType type, std::span<const std::byte> bytes, std::int64_t first) {
  const BlockLayout layout = *block_layout(type);
  const std::int64_t count = static_cast<std::int64_t>(bytes.size()) / layout.bytes * layout.elements;
  ScanResult result;
  const std::optional<at::ScalarType> plain = plain_type(type);
  result.zero = all_zero(bytes);
  if (plain && all_finite(bytes.data(), count, *plain)) {
    return result;
  }
  std::vector<float> values(static_cast<std::size_t>(count));
  decode(type, bytes, values);
  const std::int64_t bad = first_not_finite(values);
  result.first_bad = bad < 0 ? -1 : first + bad;
  result.zero = !plain && std::all_of(values.begin(), values.end(), [](float value) { return value == 0; });
  return result;
}

}  // namespace

std::string ScanResult::place(const std::vector<std::int64_t>& shape) const {
  std::vector<std::int64_t> index(shape.size());
  std::int64_t rest = first_bad;
  for (std::size_t i = shape.size(); i-- > 0;) {
    index[i] = rest % shape[i];
    rest /= shape[i];
  }
  return fmt::format("[{}]", fmt::join(index, ","));
}

std::vector<ScanResult> scan_tensors(const std::vector<ScanInput>& tensors,
                                     const std::function<bool()>& stop) {
  std::vector<ScanResult> results(tensors.size());
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::optional<GgmlType> type = block_type(tensors[i].type);
    results[i].readable = type.has_value();
    if (!type) {
      continue;
    }
    const auto block = static_cast<std::size_t>(block_layout(*type)->bytes);
    const std::size_t step = std::max(block, kPieceBytes / block * block);
    for (std::size_t begin = 0; begin < tensors[i].bytes.size(); begin += step) {
      pieces.push_back({i, begin, std::min(begin + step, tensors[i].bytes.size())});
    }
  }
  std::mutex mutex;
  parallel_for(0, static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to && !(stop && stop()); ++i) {
      const Piece& piece = pieces[static_cast<std::size_t>(i)];
      const ScanInput& tensor = tensors[piece.tensor];
      const GgmlType type = *block_type(tensor.type);
      const BlockLayout layout = *block_layout(type);
      const auto bytes = tensor.bytes.subspan(piece.begin, piece.end - piece.begin);
      const ScanResult seen =
          scan_piece(type, bytes, static_cast<std::int64_t>(piece.begin) / layout.bytes * layout.elements);
      tensor.file->release(bytes);
      const std::lock_guard lock(mutex);
      ScanResult& result = results[piece.tensor];
      result.zero = result.zero && seen.zero;
      if (seen.first_bad >= 0 && (result.first_bad < 0 || seen.first_bad < result.first_bad)) {
        result.first_bad = seen.first_bad;
      }
    }
  });
  return results;
}

}  // namespace lore
