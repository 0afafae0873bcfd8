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

/// The sum of squares between `in` and what is stored, each column counted as `importance` says.
double lost(std::span<const float> in, std::span<const std::byte> blocks, GgmlType type,
            std::span<const float> importance) {
  std::vector<float> out(in.size());
  lore::decode(type, blocks, out);
  double sum = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double miss = static_cast<double>(in[i]) - static_cast<double>(out[i]);
    sum += miss * miss * (importance.empty() ? 1.0 : static_cast<double>(importance[i % importance.size()]));
  }
  return sum;
}

}  // namespace

TEST_CASE("Values are encoded bit for bit as the gguf package encodes them") {
  // gguf 0.19.0: gguf.quants.quantize of `values(4096)`, hashed as `fingerprint` does.
  CHECK(fingerprint(encoded(GgmlType::kF32, values(4096))) == 0x1f0ad005c8677d09u);
  CHECK(fingerprint(encoded(GgmlType::kF16, values(4096))) == 0x52335bf7ff8298c5u);
  CHECK(fingerprint(encoded(GgmlType::kBF16, values(4096))) == 0x5e4056eec94897ceu);
  CHECK(fingerprint(encoded(GgmlType::kQ8_0, values(4096))) == 0xc821225133e0403eu);
  CHECK(fingerprint(encoded(GgmlType::kQ4_0, values(4096))) == 0x28e89aed6c6480dfu);
  CHECK(fingerprint(encoded(GgmlType::kQ4_1, values(4096))) == 0x3b989b2602719c4cu);
  CHECK(fingerprint(encoded(GgmlType::kQ5_0, values(4096))) == 0xfdbb54893e071c58u);
  CHECK(fingerprint(encoded(GgmlType::kQ5_1, values(4096))) == 0xa8e0e3bce1bc37beu);
}

TEST_CASE("Blocks lose no more than llama.cpp's do, with and without importance") {
  // Sum of squares lost by ggml_quantize_chunk of llama.cpp (node-llama-cpp 3.22.1) on `values(4096)` as rows
  // of 1024, without importance and with `importance()`; the latter weighted.
  struct Loss {
    GgmlType type;
    double plain;
    double weighted;
  };
  const auto theirs = {Loss{GgmlType::kQ4_0, 44.998, 290.795},  Loss{GgmlType::kQ4_1, 43.148, 215.606},
                       Loss{GgmlType::kQ5_0, 12.9617, 84.4565}, Loss{GgmlType::kQ5_1, 10.6743, 55.8103},
                       Loss{GgmlType::kQ4_K, 34.4956, 223.509}, Loss{GgmlType::kQ5_K, 9.59338, 60.9724},
                       Loss{GgmlType::kQ6_K, 2.56896, 16.9068}};
  std::vector<float> importance(1024);
  for (std::size_t i = 0; i < importance.size(); ++i) {
    importance[i] = 1 + static_cast<float>(i * 7919 % 97) / 8;
  }
  const std::vector<float> in = values(4096);
  for (const Loss& loss : theirs) {
    INFO(lore::name_of(loss.type));
    CHECK(lost(in, encoded(loss.type, in), loss.type, {}) <= 1.0001 * loss.plain);
    std::vector<std::byte> blocks = encoded(loss.type, in);
    const double before = lost(in, blocks, loss.type, importance);
    CHECK(lore::encode(loss.type, in, blocks, importance));
    CHECK(lost(in, blocks, loss.type, importance) <= loss.weighted);
    CHECK(lost(in, blocks, loss.type, importance) < 0.99 * before);
  }
}

TEST_CASE("Blocks of zeros, of one value and of few values lose next to nothing") {
  for (const GgmlType type : {GgmlType::kQ4_0, GgmlType::kQ4_1, GgmlType::kQ5_0, GgmlType::kQ5_1,
                              GgmlType::kQ4_K, GgmlType::kQ5_K, GgmlType::kQ6_K}) {
    INFO(lore::name_of(type));
    for (const std::vector<float>& importance : {std::vector<float>(), std::vector<float>(256, 0.0F)}) {
      for (const float value : {0.0F, 0.5F, -0.5F, 1e-42F}) {
        const std::vector<float> in(256, value);
        std::vector<std::byte> blocks = encoded(type, in);
        CHECK(lore::encode(type, in, blocks, importance));
        CHECK(lost(in, blocks, type, {}) <= 1e-5 * 256 * static_cast<double>(value * value) + 1e-60);
      }
      std::vector<float> one(256, 0.0F);
      one[77] = -3.0F;
      std::vector<std::byte> blocks = encoded(type, one);
      CHECK(lore::encode(type, one, blocks, importance));
      CHECK(lost(one, blocks, type, {}) <= 1e-3);
    }
  }
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
  for (const GgmlType type :
       {GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16, GgmlType::kQ8_0, GgmlType::kQ4_0, GgmlType::kQ4_1,
        GgmlType::kQ5_0, GgmlType::kQ5_1, GgmlType::kQ4_K, GgmlType::kQ5_K, GgmlType::kQ6_K}) {
    std::vector<float> in(256, 1.0F);
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
  CHECK_THROWS_AS(lore::encode(GgmlType::kQ2_K, std::vector<float>(256), std::span(blocks).first(0)),
                  lore::Error);
  CHECK_THROWS_AS(lore::encode(GgmlType::kQ8_0, std::vector<float>(32), blocks, std::vector<float>(31)),
                  lore::Error);
  CHECK(lore::encode(GgmlType::kQ8_0, {}, {}));
}
