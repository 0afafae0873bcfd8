#include "lore/codecs/ggml_encode.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "lore/codecs/ggml_blocks.h"
#include "lore/core/error.h"
#include "support/catch.h"

using lore::GgmlType;

namespace {

/// (s >> 8) / 2^24 - 0.5 from s = 1664525 s + 1013904223, 12345 first, each times 2^(i % 7 - 3).
std::vector<float> values(std::size_t count) {
  std::vector<float> result(count);
  std::uint32_t state = 12345;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    const auto scale = std::ldexp(1.0F, static_cast<int>(i % 7) - 3);
    result[i] = (static_cast<float>(state >> 8) / 16777216.0F - 0.5F) * scale;
  }
  return result;
}

std::vector<std::byte> encoded(GgmlType type, std::span<const float> in, bool finite = true) {
  const auto layout = *lore::block_layout(type);
  std::vector<std::byte> blocks(in.size() / static_cast<std::size_t>(layout.elements) *
                                static_cast<std::size_t>(layout.bytes));
  CHECK(lore::encode(type, in, blocks) == finite);
  return blocks;
}

/// FNV-1a, 64 bits.
std::uint64_t fingerprint(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte byte : bytes) {
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3u;
  }
  return hash;
}

}  // namespace

TEST_CASE("Values are encoded bit for bit as the gguf package encodes them") {
  // gguf 0.19.0: gguf.quants.quantize of `values(4096)`, hashed as `fingerprint` does.
  CHECK(fingerprint(encoded(GgmlType::kF32, values(4096))) == 0x1f0ad005c8677d09u);
  CHECK(fingerprint(encoded(GgmlType::kF16, values(4096))) == 0x52335bf7ff8298c5u);
  CHECK(fingerprint(encoded(GgmlType::kBF16, values(4096))) == 0x5e4056eec94897ceu);
  CHECK(fingerprint(encoded(GgmlType::kQ8_0, values(4096))) == 0xc821225133e0403eu);
}

TEST_CASE("Q8_0 keeps zeros, tiny values and halves away from zero") {
  std::vector<float> in(32, 0.0F);
  CHECK(encoded(GgmlType::kQ8_0, in) == std::vector<std::byte>(34));
  in[3] = std::numeric_limits<float>::denorm_min();
  CHECK(encoded(GgmlType::kQ8_0, in) == std::vector<std::byte>(34));
  in[3] = 127.0F;
  in[4] = 0.5F;
  in[5] = -0.5F;
  in[6] = -1.5F;
  const auto blocks = encoded(GgmlType::kQ8_0, in);
  CHECK(blocks[2 + 3] == std::byte{127});
  CHECK(blocks[2 + 4] == std::byte{1});
  CHECK(blocks[2 + 5] == std::byte{255});
  CHECK(blocks[2 + 6] == std::byte{254});
  std::vector<float> out(32);
  lore::decode(GgmlType::kQ8_0, blocks, out);
  CHECK(out[3] == 127.0F);
}

TEST_CASE("Values that are not finite once stored are told") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const GgmlType type : {GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16, GgmlType::kQ8_0}) {
    std::vector<float> in(64, 1.0F);
    for (const float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
      in[40] = bad;
      encoded(type, in, false);
    }
  }
  std::vector<float> large(32, 0.0F);
  large[1] = 65520.0F;
  encoded(GgmlType::kF16, large, false);
  encoded(GgmlType::kQ8_0, large);
  large[1] = 1e7F;
  encoded(GgmlType::kQ8_0, large, false);
  encoded(GgmlType::kBF16, large);
  large[1] = std::numeric_limits<float>::max();
  encoded(GgmlType::kBF16, large, false);
  encoded(GgmlType::kF32, large);
}

TEST_CASE("Sizes that do not agree are a mistake of the caller") {
  std::vector<std::byte> blocks(34);
  CHECK_THROWS_AS(lore::encode(GgmlType::kQ8_0, std::vector<float>(31), blocks), lore::Error);
  CHECK_THROWS_AS(lore::encode(GgmlType::kQ4_0, std::vector<float>(32), blocks), lore::Error);
  CHECK(lore::encode(GgmlType::kQ8_0, {}, {}));
}
