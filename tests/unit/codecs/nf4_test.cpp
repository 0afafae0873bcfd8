#include "lore/codecs/nf4.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "support/catch.h"
#include "unit/codecs/nf4_golden.h"

namespace {

std::uint64_t fnv1a(std::span<const float> values) {
  std::uint64_t digest = 0xCBF29CE484222325ULL;
  for (const std::byte byte : std::as_bytes(values)) {
    digest = (digest ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001B3ULL;
  }
  return digest;
}

/// The matrix of nf4_golden.py.
std::vector<float> golden_input() {
  std::vector<float> values(33312);
  for (std::int64_t i = 0; i < 33312; ++i) {
    const bool is_zero = i >= 192 && i < 256;
    values[static_cast<std::size_t>(i)] =
        is_zero ? 0.0F : static_cast<float>((i * 7919 % 1009 - 504) * (1 + i / 64 % 13)) / 65536.0F;
  }
  return values;
}

lore::Nf4Values encoded(const std::vector<float>& values) {
  lore::Nf4Values nf4(values.size());
  REQUIRE(nf4.encode(0, values));
  nf4.finish();
  return nf4;
}

}  // namespace

TEST_CASE("NF4 with double quantization gives the values of bitsandbytes") {
  const lore::Nf4Values nf4 = encoded(golden_input());
  std::vector<float> values(nf4.count());
  nf4.decode(0, values);
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(values[i] == kNf4First[i]);
    CHECK(values[values.size() - 8 + i] == kNf4Last[i]);
  }
  CHECK(fnv1a(values) == kNf4Decoded);
  CHECK(fnv1a(lore::dynamic_map()) == kDynamicMap);
}

TEST_CASE("NF4 decodes any run of values, and takes a little over four bits for each") {
  const std::vector<float> input = golden_input();
  const lore::Nf4Values nf4 = encoded(input);
  std::vector<float> whole(input.size());
  nf4.decode(0, whole);
  const std::size_t first = GENERATE(0, 1, 63, 64, 127, 33311);
  const std::size_t count = GENERATE(0, 1, 2, 65, 130);
  const std::size_t end = std::min(input.size(), first + count);
  std::vector<float> part(end - first);
  nf4.decode(first, part);
  CHECK(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)));
  CHECK(static_cast<double>(nf4.bytes()) * 8 / static_cast<double>(input.size()) < 4.14);
}

TEST_CASE("NF4 blocks may come in any order, and refuse what is not finite") {
  const std::vector<float> input = golden_input();
  lore::Nf4Values nf4(input.size());
  REQUIRE(nf4.encode(6400, std::span(input).subspan(6400)));
  REQUIRE(nf4.encode(0, std::span(input).first(6400)));
  nf4.finish();
  std::vector<float> values(input.size());
  nf4.decode(0, values);
  CHECK(fnv1a(values) == kNf4Decoded);
  std::vector<float> bad(64, 1.0F);
  bad[40] = GENERATE(std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN());
  CHECK_FALSE(lore::Nf4Values(64).encode(0, bad));
}
