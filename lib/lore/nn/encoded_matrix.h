#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lore/nn/quantized_matrix.h"
#include "lore/nn/weight_form.h"

namespace lore {

/// Rows [first, first + count) of a matrix as float32 into `target`; from several threads at once.
using RowReader = std::function<void(std::int64_t first, std::int64_t count, float* target)>;

/// The matrix `name` [rows, columns] encoded as `quantization`, one of kInt8, kInt4 and kNf4. It is read some
/// rows at a time and never stands in memory whole. Throws: Error kInput for a value that is not finite.
///
/// In a model of 4 bits, embeddings and head have 6: every token meets them, and 4 bits cost there as much as
/// in all other matrices together.
std::shared_ptr<const QuantizedMatrix> encode_matrix(const std::string& name, std::int64_t rows,
                                                     std::int64_t columns, Quantization quantization,
                                                     const RowReader& read);

}  // namespace lore
