#include "lore/codecs/scaled_integers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.h"

namespace {

constexpr std::size_t kRows = 3;

std::vector<float> waves(std::size_t columns) {
  std::vector<float> values(kRows * columns);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(static_cast<float>(i) * 0.7F) * static_cast<float>(1 + i / columns);
  }
  std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(columns), columns, 0.0F);
  return values;
}

template <class Values, class... Bits>
std::vector<float> decoded(const std::vector<float>& input, std::size_t columns, Bits... bits) {
  Values values(kRows, columns, bits...);
  REQUIRE(values.encode_rows(1, std::span(input).subspan(columns)));
  REQUIRE(values.encode_rows(0, std::span(input).first(columns)));
  std::vector<float> result(input.size());
  values.decode_rows(0, result);
  std::vector<float> last(columns);
  values.decode_rows(kRows - 1, last);
  CHECK(std::equal(last.begin(), last.end(), result.end() - static_cast<std::ptrdiff_t>(columns)));
  return result;
}

float largest(std::span<const float> values) {
  float result = 0;
  for (const float value : values) {
    result = std::max(result, std::fabs(value));
  }
  return result;
}

}  // namespace

TEST_CASE("int8 rows are off by half a step of their row at most") {
  const std::size_t columns = GENERATE(1, 31, 96, 200);
  const std::vector<float> input = waves(columns);
  const std::vector<float> result = decoded<lore::Int8Values>(input, columns);
  for (std::size_t row = 0; row < kRows; ++row) {
    const float step = largest(std::span(input).subspan(row * columns, columns)) / 127;
    for (std::size_t i = row * columns; i < (row + 1) * columns; ++i) {
      CHECK(std::fabs(result[i] - input[i]) <= step * 0.5001F);
    }
  }
}

TEST_CASE("numbers of 4 and 6 bits are off by half a step of their group, and by no more at its largest") {
  const int bits = GENERATE(4, 6);
  const std::size_t columns = GENERATE(1, 31, 96, 128, 200, 256);
  const std::size_t group = columns % 128 == 0 ? 128 : 32;
  const std::vector<float> input = waves(columns);
  const std::vector<float> result = decoded<lore::GroupedIntegers>(input, columns, bits);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t begin = 0; begin < columns; begin += group) {
      const std::size_t first = row * columns + begin;
      const std::size_t count = std::min(group, columns - begin);
      const float step = largest(std::span(input).subspan(first, count)) / (bits == 4 ? 7.5F : 31.5F);
      for (std::size_t i = first; i < first + count; ++i) {
        CHECK(std::fabs(result[i] - input[i]) <=
              step * (bits == 4 ? 0.54F : 0.63F));  // the scale is rounded to bfloat16
      }
    }
  }
}

TEST_CASE("integers take the bytes that they say, and refuse what is not finite") {
  CHECK(lore::Int8Values(10, 100).bytes() == 1040);
  CHECK(lore::GroupedIntegers(10, 256, 4).bytes() == 10 * (128 + 4));
  CHECK(lore::GroupedIntegers(10, 96, 4).bytes() == 10 * (48 + 6));
  CHECK(lore::GroupedIntegers(10, 256, 6).bytes() == 10 * (192 + 4));
  std::vector<float> bad(64, 1.0F);
  bad[40] = GENERATE(std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN());
  CHECK_FALSE(lore::Int8Values(1, 64).encode_rows(0, bad));
  CHECK_FALSE(lore::GroupedIntegers(1, 64, 4).encode_rows(0, bad));
}
