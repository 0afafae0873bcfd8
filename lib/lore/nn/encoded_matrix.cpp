#include "lore/nn/encoded_matrix.h"

#include <atomic>
#include <vector>

#include "lore/codecs/nf4.h"
#include "lore/codecs/scaled_integers.h"
#include "lore/core/error.h"
#include "lore/kernels/parallel.h"
#include "lore/nn/model_parameters.h"

namespace lore {
namespace {

std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }

/// Int8Values or GroupedIntegers.
template <class Values>
class ScaledMatrix final : public QuantizedMatrix {
 public:
  template <class... Bits>
  ScaledMatrix(std::int64_t rows, std::int64_t columns, Bits... bits)
      : QuantizedMatrix(rows, columns), values_(size(rows), size(columns), bits...) {}

  bool encode(std::int64_t first, std::span<const float> rows) {
    return values_.encode_rows(size(first), rows);
  }
  void finish() {}

  std::size_t bytes() const override { return values_.bytes(); }
  using QuantizedMatrix::decode_rows;
  void decode_rows(std::int64_t first, std::int64_t count, float* target) const override {
    values_.decode_rows(size(first), {target, size(count * columns())});
  }

 private:
  Values values_;
};

class Nf4Matrix final : public QuantizedMatrix {
 public:
  Nf4Matrix(std::int64_t rows, std::int64_t columns)
      : QuantizedMatrix(rows, columns), values_(size(rows * columns)) {}

  bool encode(std::int64_t first, std::span<const float> rows) {
    return values_.encode(size(first * columns()), rows);
  }
  void finish() { values_.finish(); }

  std::size_t bytes() const override { return values_.bytes(); }
  using QuantizedMatrix::decode_rows;
  void decode_rows(std::int64_t first, std::int64_t count, float* target) const override {
    values_.decode(size(first * columns()), {target, size(count * columns())});
  }

 private:
  Nf4Values values_;
};

bool is_embedding(const std::string& name) {
  return name == std::string(kEmbeddingModule) + ".weight" || name == std::string(kHeadModule) + ".weight";
}

template <class Matrix, class... Bits>
std::shared_ptr<const QuantizedMatrix> encode_as(const std::string& name, std::int64_t rows,
                                                 std::int64_t columns, const RowReader& read, Bits... bits) {
  // NF4's blocks run on from row to row; so many rows are whole blocks whatever their length.
  constexpr std::int64_t kPanel = kNf4Block;
  auto matrix = std::make_shared<Matrix>(rows, columns, bits...);
  std::atomic<bool> is_finite = true;
  parallel_for(0, (rows + kPanel - 1) / kPanel, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> values(size(kPanel * columns));
    for (std::int64_t first = begin * kPanel; first < std::min(end * kPanel, rows); first += kPanel) {
      const std::int64_t count = std::min(kPanel, rows - first);
      read(first, count, values.data());
      if (!matrix->encode(first, std::span(values).first(size(count * columns)))) {
        is_finite = false;
      }
    }
  });
  if (!is_finite) {
    throw Error(ErrorKind::kInput, name, "has values that are not finite and cannot be quantized");
  }
  matrix->finish();
  return matrix;
}

}  // namespace

std::shared_ptr<const QuantizedMatrix> encode_matrix(const std::string& name, std::int64_t rows,
                                                     std::int64_t columns, Quantization quantization,
                                                     const RowReader& read) {
  using Grouped = ScaledMatrix<GroupedIntegers>;
  switch (quantization) {
    case Quantization::kInt8:
      return encode_as<ScaledMatrix<Int8Values>>(name, rows, columns, read);
    case Quantization::kInt4:
      return encode_as<Grouped>(name, rows, columns, read, is_embedding(name) ? 6 : 4);
    case Quantization::kNf4:
      return is_embedding(name) ? encode_as<Grouped>(name, rows, columns, read, 6)
                                : encode_as<Nf4Matrix>(name, rows, columns, read);
    default:
      throw Error(ErrorKind::kInternal, name, "is not to be encoded");
  }
}

}  // namespace lore
