#include "lore/codecs/ggml_blocks.h"

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "lore/core/error.h"
#include "support/catch.h"

using lore::GgmlType;

namespace {

/// Blocks of pseudo-random bytes, high bytes of s = 1664525 s + 1013904223 from 12345, with the top exponent
/// bit of each scale (each value, for the plain types) cleared so that every decoded value is finite.
std::vector<std::byte> random_blocks(GgmlType type, std::size_t count) {
  const auto size = static_cast<std::size_t>(lore::block_layout(type)->bytes);
  std::vector<std::byte> blocks(count * size);
  std::uint32_t state = 12345;
  for (std::byte& byte : blocks) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::byte>(state >> 24);
  }
  std::vector<std::size_t> high_bytes{1};
  if (lore::block_layout(type)->elements == 1) {
    high_bytes = {size - 1};
  } else if (type == GgmlType::kQ6_K) {
    high_bytes = {209};
  } else if (type != GgmlType::kQ8_0 && type != GgmlType::kQ4_0 && type != GgmlType::kQ5_0) {
    high_bytes = {1, 3};
  }
  for (std::size_t block = 0; block < count; ++block) {
    for (const std::size_t high : high_bytes) {
      blocks[block * size + high] &= std::byte{0xbf};
    }
  }
  return blocks;
}

std::vector<float> decoded(GgmlType type, std::span<const std::byte> blocks) {
  const auto layout = *lore::block_layout(type);
  std::vector<float> values(blocks.size() / static_cast<std::size_t>(layout.bytes) *
                            static_cast<std::size_t>(layout.elements));
  lore::decode(type, blocks, values);
  return values;
}

/// FNV-1a, 64 bits.
std::uint64_t fingerprint(std::span<const float> values) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte byte : std::as_bytes(values)) {
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3u;
  }
  return hash;
}

struct Golden {
  GgmlType type;
  std::size_t blocks;
  std::array<std::uint32_t, 4> bits;  ///< values 0, 1, the last of block 0 (2 for plain types), and the last
  std::uint64_t fingerprint;          ///< of all values' bytes
};

/// gguf.quants.dequantize of the gguf package 0.19.0 over `random_blocks`.
const Golden kGolden[] = {
    {GgmlType::kF32, 512, {0xa28b0405, 0x8c7e1ce8, 0xbe0ac898, 0xb77abb57}, 0x7facb4496f28db53u},
    {GgmlType::kF16, 512, {0x3880a000, 0xbc516000, 0x3b9d0000, 0x38958000}, 0x7a2769eb4c76d031u},
    {GgmlType::kBF16, 512, {0x04050000, 0xa28b0000, 0x1ce80000, 0x04ac0000}, 0x23db9bc46d931a84u},
    {GgmlType::kQ8_0, 8, {0xbbeb2480, 0xbbbceb00, 0x3b94b900, 0x3ce52400}, 0xd5fc36a3ca3e6b9cu},
    {GgmlType::kQ4_0, 8, {0x3940f000, 0xb9c0f000, 0x39e11800, 0x3e4ac000}, 0x6717691c059c7d1du},
    {GgmlType::kQ4_1, 8, {0xbc495600, 0xbc455100, 0xbc424d40, 0x3c888c00}, 0xb9e5db59f890e841u},
    {GgmlType::kQ5_0, 8, {0x3a611800, 0x3a40f000, 0xb9c0f000, 0xc08dae00}, 0x8c728192ef4f5ff7u},
    {GgmlType::kQ5_1, 8, {0xbc495600, 0xbc495600, 0xbc3a4340, 0x3cc311a0}, 0x4a74695c7c666078u},
    {GgmlType::kQ4_K, 8, {0x3ea34fd0, 0x3ea34fd0, 0x3f0312d6, 0xc00b3a1f}, 0x9b906690de673a35u},
    {GgmlType::kQ5_K, 8, {0x3eb768d0, 0x3ebc6f10, 0x3f0aa03b, 0xc29344a2}, 0xa322b698e691484au},
    {GgmlType::kQ6_K, 8, {0xc424de10, 0xc41d0440, 0xc397fa00, 0x3e319c00}, 0xedac04bf67c42df1u},
};

}  // namespace

TEST_CASE("each type is decoded bit for bit as the gguf package does") {
  for (const Golden& golden : kGolden) {
    INFO(lore::name_of(golden.type));
    const auto values = decoded(golden.type, random_blocks(golden.type, golden.blocks));
    const auto elements = static_cast<std::size_t>(lore::block_layout(golden.type)->elements);
    const auto bits = [&](std::size_t i) { return std::bit_cast<std::uint32_t>(values[i]); };
    CHECK(bits(0) == golden.bits[0]);
    CHECK(bits(1) == golden.bits[1]);
    CHECK(bits(elements > 1 ? elements - 1 : 2) == golden.bits[2]);
    CHECK(bits(values.size() - 1) == golden.bits[3]);
    CHECK(fingerprint(values) == golden.fingerprint);
  }
}

TEST_CASE("a run of whole blocks decodes by itself as within the whole") {
  for (const Golden& golden : kGolden) {
    INFO(lore::name_of(golden.type));
    const auto layout = *lore::block_layout(golden.type);
    const auto blocks = random_blocks(golden.type, golden.blocks);
    const auto whole = decoded(golden.type, blocks);
    const auto part =
        decoded(golden.type, std::span(blocks).subspan(static_cast<std::size_t>(3 * layout.bytes),
                                                       static_cast<std::size_t>(2 * layout.bytes)));
    const std::span expected =
        std::span(whole).subspan(static_cast<std::size_t>(3 * layout.elements), part.size());
    CHECK(fingerprint(part) == fingerprint(expected));
  }
}

TEST_CASE("exactly the listed types can be decoded") {
  int decodable = 0;
  for (std::int32_t number = 0; number < 64; ++number) {
    const auto type = lore::ggml_type_from_number(number);
    decodable += type && lore::can_decode(*type) ? 1 : 0;
  }
  CHECK(decodable == static_cast<int>(std::size(kGolden)));
  CHECK_FALSE(lore::can_decode(GgmlType::kIQ2_XXS));
}

TEST_CASE("a type that cannot be decoded is refused by name") {
  std::vector<std::byte> blocks(66);
  std::vector<float> values(256);
  try {
    lore::decode(GgmlType::kIQ2_XXS, blocks, values);
    FAIL("nothing was refused");
  } catch (const lore::Error& error) {
    CHECK(error.kind() == lore::ErrorKind::kInput);
    CHECK(std::string(error.what()).starts_with("IQ2_XXS: "));
  }
}

TEST_CASE("bytes and values that do not agree are a bug of the caller") {
  std::vector<std::byte> blocks(34);
  std::vector<float> values(32);
  CHECK_NOTHROW(lore::decode(GgmlType::kQ8_0, blocks, values));
  CHECK_THROWS_AS(lore::decode(GgmlType::kQ8_0, std::span(blocks).first(33), values), lore::Error);
  CHECK_THROWS_AS(lore::decode(GgmlType::kQ8_0, blocks, std::span(values).first(31)), lore::Error);
  CHECK_NOTHROW(lore::decode(GgmlType::kQ8_0, {}, {}));
}
