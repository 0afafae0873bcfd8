#include "lore/nn/base_weight.h"

#include <numeric>

#include "lore/codecs/ggml_encode.h"
#include "lore/core/error.h"
#include "lore/kernels/matmul.h"
#include "lore/nn/encoded_matrix.h"
#include "lore/nn/stored_matrix.h"
#include "unit/kernels/oracle.h"

// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

using lore::BaseWeight;
using lore::Quantization;

constexpr std::int64_t kOut = 70, kIn = 96;

lore::RowReader reader_of(const at::Tensor& w) {
  return [w](std::int64_t first, std::int64_t count, float* target) {
    std::copy_n(w.data_ptr<float>() + first * w.size(1), count * w.size(1), target);
  };
}

BaseWeight encoded(Quantization quantization, at::ScalarType dtype) {
  return {lore::encode_matrix("w", kOut, kIn, quantization, reader_of(random_tensor({kOut, kIn}))), dtype};
}

/// Q8_0 blocks.
BaseWeight stored(at::ScalarType dtype, bool int8_activations) {
  const at::Tensor w = random_tensor({kOut, kIn});
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(kOut * kIn / 32 * 34));
  REQUIRE(lore::encode(lore::GgmlType::kQ8_0, {w.data_ptr<float>(), static_cast<std::size_t>(w.numel())},
                       *bytes));
  return {std::make_shared<lore::StoredMatrix>(
              kOut, kIn, lore::StoredBlocks{lore::GgmlType::kQ8_0, *bytes, bytes}, int8_activations),
          dtype};
}

BaseWeight weight(int form, at::ScalarType dtype) {
  return form == 3 ? stored(dtype, false)
                   : encoded(std::array{Quantization::kInt8, Quantization::kInt4,
                                        Quantization::kNf4}[static_cast<std::size_t>(form)],
                             dtype);
}

}  // namespace

TEST_CASE("products with a quantized weight, forward and backward, are those of its decoded numbers") {
  const int form = GENERATE(range(0, 4));
  const at::ScalarType dtype = GENERATE(at::kFloat, at::kBFloat16);
  const std::int64_t rows = GENERATE(0, 1, 8, 9, 50);
  CAPTURE(form, rows);
  const BaseWeight w = weight(form, dtype);
  const at::Tensor dense = w.dense();
  CHECK(dense.scalar_type() == dtype);
  const at::Tensor x = random_tensor({rows, kIn}, dtype, 2);
  const at::Tensor dy = random_tensor({rows, kOut}, dtype, 3);
  CHECK(w.times(x).scalar_type() == dtype);
  CHECK(w.times(x).sizes() == at::IntArrayRef({rows, kOut}));
  CHECK(at::equal(w.times_transposed(dy), lore::matmul_nn(dy, dense)));
  CHECK(at::equal(w.times(x), lore::matmul_nt(x, dense)));
  const at::Tensor ids = at::tensor({69, 0, 3, 3}, at::kLong);
  CHECK(at::equal(w.rows(ids), dense.index_select(0, ids)));
}

TEST_CASE("a quantized weight is near what it was made of, and takes the bytes of its form") {
  const at::Tensor w = random_tensor({kOut, kIn});
  const auto [form, error, share] = GENERATE(
      table<int, double, double>({{0, 0.01, 0.55}, {1, 0.11, 0.29}, {2, 0.1, 0.27}, {3, 0.006, 0.54}}));
  CAPTURE(form);
  const BaseWeight quantized = weight(form, at::kFloat);
  CHECK(relative_difference(quantized.dense(), w) < error);
  CHECK(static_cast<double>(quantized.bytes()) < share * static_cast<double>(w.numel()) * 2);
  CHECK(quantized.out_features() == kOut);
  CHECK(quantized.in_features() == kIn);
}

TEST_CASE(
    "stored blocks with int8 activations are near the decoded numbers in a few rows, and equal in many") {
  const at::ScalarType dtype = GENERATE(at::kFloat, at::kBFloat16);
  const BaseWeight w = stored(dtype, true);
  for (const std::int64_t rows : {1, 20, 200}) {
    const at::Tensor x = random_tensor({rows, kIn}, dtype, 4);
    const at::Tensor exact = lore::matmul_nt(x, w.dense());
    CHECK(relative_difference(w.times(x), exact) < 0.012);
    if (rows == 200) {
      CHECK(at::equal(w.times(x), exact));
    }
  }
}

TEST_CASE("a weight that is not finite is not quantized") {
  at::Tensor w = random_tensor({kOut, kIn});
  w[69][95] = std::numeric_limits<float>::quiet_NaN();
  const Quantization quantization = GENERATE(Quantization::kInt8, Quantization::kInt4, Quantization::kNf4);
  CHECK_THROWS_AS(lore::encode_matrix("w", kOut, kIn, quantization, reader_of(w)), lore::Error);
}
