#include "lore/nn/stored_matrix.h"

#include "lore/codecs/ggml_blocks.h"
#include "lore/kernels/block_product.h"

namespace lore {
namespace {

/// From so many rows on, decoding and multiplying in bfloat16 or float32 is faster.
constexpr std::int64_t kInt8Rows = 32;

std::optional<BlockForm> block_form(GgmlType type) {
  switch (type) {
    case GgmlType::kQ8_0:
      return BlockForm::kQ8_0;
    case GgmlType::kQ4_0:
      return BlockForm::kQ4_0;
    case GgmlType::kQ4_1:
      return BlockForm::kQ4_1;
    default:
      return std::nullopt;
  }
}

}  // namespace

StoredMatrix::StoredMatrix(std::int64_t rows, std::int64_t columns, StoredBlocks blocks,
                           bool int8_activations)
    : QuantizedMatrix(rows, columns),
      blocks_(std::move(blocks)),
      form_(int8_activations ? block_form(blocks_.type) : std::nullopt) {}

void StoredMatrix::decode_rows(std::int64_t first, std::int64_t count, float* target) const {
  const std::size_t row_bytes = bytes() / static_cast<std::size_t>(rows());
  decode(blocks_.type,
         blocks_.bytes.subspan(static_cast<std::size_t>(first) * row_bytes,
                               static_cast<std::size_t>(count) * row_bytes),
         {target, static_cast<std::size_t>(count * columns())});
}

std::int64_t StoredMatrix::most_rows() const { return form_ ? kInt8Rows : QuantizedMatrix::most_rows(); }

void StoredMatrix::product(at::Tensor& y, const at::Tensor& x) const {
  if (form_) {
    block_product(y, x, *form_, blocks_.bytes.data());
  } else {
    QuantizedMatrix::product(y, x);
  }
}

}  // namespace lore
