#include "lore/kernels/block_product.h"

#include <c10/util/Half.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "unit/kernels/oracle.h"

// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

using lore::BlockForm;
using lore::InstructionSet;

/// A weight of random blocks, and its values.
struct Blocks {
  std::vector<std::byte> bytes;
  at::Tensor values;  ///< [out, in]
};

void put_half(std::byte* at, float value) {
  const std::uint16_t bits = c10::detail::fp16_ieee_from_fp32_value(value);
  std::memcpy(at, &bits, sizeof bits);
}

float half_value(float value) {
  return c10::detail::fp16_ieee_to_fp32_value(c10::detail::fp16_ieee_from_fp32_value(value));
}

Blocks random_blocks(BlockForm form, std::int64_t out, std::int64_t in, std::uint64_t seed) {
  const std::int64_t count = out * in / 32;
  const std::int64_t size = lore::bytes_of_block(form);
  Blocks blocks{std::vector<std::byte>(static_cast<std::size_t>(count * size)), at::empty({out, in})};
  at::manual_seed(seed);
  const at::Tensor scales = at::randn({count}).mul_(0.01);
  const at::Tensor minima = at::randn({count}).mul_(0.1);
  const at::Tensor codes =
      (form == BlockForm::kQ8_0 ? at::randint(-128, 128, {count, 32}) : at::randint(0, 16, {count, 32}))
          .to(at::kFloat);
  float* value = blocks.values.data_ptr<float>();
  for (std::int64_t b = 0; b < count; ++b) {
    std::byte* block = blocks.bytes.data() + b * size;
    const float d = half_value(scales[b].item<float>());
    const float m = form == BlockForm::kQ4_1 ? half_value(minima[b].item<float>()) : 0.0F;
    put_half(block, d);
    if (form == BlockForm::kQ4_1) {
      put_half(block + 2, m);
    }
    const float* row = codes.data_ptr<float>() + b * 32;
    for (int i = 0; i < 32; ++i) {
      const int code = static_cast<int>(row[i]);
      value[b * 32 + i] = d * static_cast<float>(code - (form == BlockForm::kQ4_0 ? 8 : 0)) + m;
      if (form == BlockForm::kQ8_0) {
        block[2 + i] = static_cast<std::byte>(code);
      } else {
        block[size - 16 + i % 16] |= static_cast<std::byte>(code << (i < 16 ? 0 : 4));
      }
    }
  }
  return blocks;
}

/// The values that Int8Rows stands for.
at::Tensor decoded(const lore::Int8Rows& rows, std::int64_t columns) {
  at::Tensor values = at::empty({rows.rows(), columns});
  for (std::int64_t n = 0; n < rows.rows(); ++n) {
    const lore::Int8Row row = rows.row(n);
    for (std::int64_t i = 0; i < columns; ++i) {
      values.data_ptr<float>()[n * columns + i] = static_cast<float>(row.codes[i]) * row.lane_scales[i / 4];
    }
  }
  return values;
}

}  // namespace

TEST_CASE("activations as int8 are off by half a step of their block at most, and their sums agree") {
  const at::ScalarType dtype = GENERATE(at::kFloat, at::kBFloat16);
  at::Tensor x = random_tensor({3, 96}, dtype);
  x[1].slice(0, 32, 64).zero_();
  x[2].mul_(1e-30);
  const lore::Int8Rows rows(x);
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor values = decoded(rows, 96);
  const at::Tensor step = std::get<0>(wide.view({3, 3, 32}).abs().max(2, true)).div(127);
  CHECK(((values - wide).view({3, 3, 32}).abs() <= step * 0.5001).all().item<bool>());
  for (std::int64_t lane = 0; lane < 24; ++lane) {
    CHECK(rows.row(0).lane_sums[lane] ==
          Approx(values[0].slice(0, 4 * lane, 4 * lane + 4).sum().item<float>()).margin(1e-5));
  }
}

TEST_CASE("a NaN or an infinity among the activations makes every product NaN") {
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  at::Tensor x = random_tensor({1, 64});
  x[0][40] = bad;
  const Blocks w = random_blocks(BlockForm::kQ8_0, 3, 64, 5);
  at::Tensor y = at::empty({1, 3});
  lore::block_product(y, x, BlockForm::kQ8_0, w.bytes.data());
  CHECK(at::isnan(y).all().item<bool>());
}

TEST_CASE("the dot products of every instruction set are those of the decoded numbers") {
  const BlockForm form = GENERATE(BlockForm::kQ8_0, BlockForm::kQ4_0, BlockForm::kQ4_1);
  const InstructionSet set =
      GENERATE(InstructionSet::kPortable, InstructionSet::kAvx2, InstructionSet::kAvx512Vnni);
  const std::int64_t columns = GENERATE(32, 64, 96, 576, 1536);
  if (!lore::has_instructions(set)) {
    return;
  }
  const std::int64_t rows = GENERATE(1, 3, 4);
  CAPTURE(static_cast<int>(form), static_cast<int>(set), columns, rows);
  const Blocks w = random_blocks(form, 5, columns, 11);
  const lore::Int8Rows x(random_tensor({rows, columns}, at::kFloat, 12));
  std::vector<lore::Int8Row> list;
  for (std::int64_t n = 0; n < rows; ++n) {
    list.push_back(x.row(n));
  }
  const at::Tensor exact = at::mm(decoded(x, columns).to(at::kDouble), w.values.to(at::kDouble).t());
  const lore::BlockDots dots = lore::block_dots(form, set);
  at::Tensor result = at::empty({rows, 5});
  float sums[5 * lore::kBlockRows];
  dots(w.bytes.data(), 5, columns / 32, list.data(), rows, sums);
  for (std::int64_t row = 0; row < 5; ++row) {
    for (std::int64_t n = 0; n < rows; ++n) {
      result[n][row] = sums[row * lore::kBlockRows + n];
    }
  }
  CHECK(relative_difference(result, exact) < 2e-6);
}

TEST_CASE("a product with blocks is near that of the decoded numbers, whatever rows are beside a row") {
  const BlockForm form = GENERATE(BlockForm::kQ8_0, BlockForm::kQ4_0, BlockForm::kQ4_1);
  const at::ScalarType dtype = GENERATE(at::kFloat, at::kBFloat16);
  const std::int64_t rows = GENERATE(0, 1, 7, 37);
  constexpr std::int64_t kIn = 352, kOut = 131;
  CAPTURE(static_cast<int>(form), rows);
  const Blocks w = random_blocks(form, kOut, kIn, 21);
  const at::Tensor x = random_tensor({rows, kIn}, dtype, 22);
  at::Tensor y = at::empty({rows, kOut}, dtype);
  lore::block_product(y, x, form, w.bytes.data());
  if (rows == 0) {
    return;
  }
  CHECK(relative_difference(y, at::mm(x.to(at::kFloat), w.values.t())) < 0.012);
  at::Tensor last = at::empty({1, kOut}, dtype);
  lore::block_product(last, x.narrow(0, rows - 1, 1).contiguous(), form, w.bytes.data());
  CHECK(at::equal(last[0], y[rows - 1]));
}
