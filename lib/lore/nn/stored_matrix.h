#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lore/formats/ggml_type.h"
#include "lore/kernels/block_dots.h"
#include "lore/nn/quantized_matrix.h"

namespace lore {

/// The blocks of a GGUF tensor, row after row.
struct StoredBlocks {
  GgmlType type;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;  ///< keeps `bytes`: the mapped file, or a copy
};

/// A matrix as a GGUF file holds it.
class StoredMatrix final : public QuantizedMatrix {
 public:
  /// `int8_activations`: as WeightForm has it.
  StoredMatrix(std::int64_t rows, std::int64_t columns, StoredBlocks blocks, bool int8_activations);

  std::size_t bytes() const override { return blocks_.bytes.size(); }
  using QuantizedMatrix::decode_rows;
  void decode_rows(std::int64_t first, std::int64_t count, float* target) const override;
  std::int64_t most_rows() const override;
  /// With int8 activations where `form_` says so.
  void product(at::Tensor& y, const at::Tensor& x) const override;

 private:
  StoredBlocks blocks_;
  std::optional<BlockForm> form_;  ///< of int8 products
};

}  // namespace lore
