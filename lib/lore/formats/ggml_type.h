#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lore {

/// The tensor types of a GGUF file; values as in ggml.h. Types that ggml has removed are left out.
enum class GgmlType : std::int32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
  kQ1_0 = 41,
};

/// How a type is stored: blocks of `bytes` bytes that hold `elements` consecutive values of a row.
struct BlockLayout {
  std::int64_t elements;
  std::int64_t bytes;
};

/// The type of a stored number; nothing for one that is unknown.
std::optional<GgmlType> ggml_type_from_number(std::int32_t number);

/// ggml's name: "Q4_K", "IQ2_XXS".
std::string_view name_of(GgmlType type);

/// The block layout of any value of the enumeration; nothing for a number cast into it.
std::optional<BlockLayout> block_layout(GgmlType type);

}  // namespace lore
