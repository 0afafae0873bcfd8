#include "lore/formats/ggml_type.h"

#include <array>

namespace lore {
namespace {

struct Row {
  GgmlType type;
  std::string_view name;
  BlockLayout layout;
};

/// Block sizes as in ggml-common.h (and GGML_QUANT_SIZES of the gguf package 0.19).
constexpr std::array kTable{
    Row{GgmlType::kF32, "F32", {1, 4}},
    Row{GgmlType::kF16, "F16", {1, 2}},
    Row{GgmlType::kQ4_0, "Q4_0", {32, 18}},
    Row{GgmlType::kQ4_1, "Q4_1", {32, 20}},
    Row{GgmlType::kQ5_0, "Q5_0", {32, 22}},
    Row{GgmlType::kQ5_1, "Q5_1", {32, 24}},
    Row{GgmlType::kQ8_0, "Q8_0", {32, 34}},
    Row{GgmlType::kQ8_1, "Q8_1", {32, 40}},
    Row{GgmlType::kQ2_K, "Q2_K", {256, 84}},
    Row{GgmlType::kQ3_K, "Q3_K", {256, 110}},
    Row{GgmlType::kQ4_K, "Q4_K", {256, 144}},
    Row{GgmlType::kQ5_K, "Q5_K", {256, 176}},
    Row{GgmlType::kQ6_K, "Q6_K", {256, 210}},
    Row{GgmlType::kQ8_K, "Q8_K", {256, 292}},
    Row{GgmlType::kIQ2_XXS, "IQ2_XXS", {256, 66}},
    Row{GgmlType::kIQ2_XS, "IQ2_XS", {256, 74}},
    Row{GgmlType::kIQ3_XXS, "IQ3_XXS", {256, 98}},
    Row{GgmlType::kIQ1_S, "IQ1_S", {256, 50}},
    Row{GgmlType::kIQ4_NL, "IQ4_NL", {32, 18}},
    Row{GgmlType::kIQ3_S, "IQ3_S", {256, 110}},
    Row{GgmlType::kIQ2_S, "IQ2_S", {256, 82}},
    Row{GgmlType::kIQ4_XS, "IQ4_XS", {256, 136}},
    Row{GgmlType::kI8, "I8", {1, 1}},
    Row{GgmlType::kI16, "I16", {1, 2}},
    Row{GgmlType::kI32, "I32", {1, 4}},
    Row{GgmlType::kI64, "I64", {1, 8}},
    Row{GgmlType::kF64, "F64", {1, 8}},
    Row{GgmlType::kIQ1_M, "IQ1_M", {256, 56}},
    Row{GgmlType::kBF16, "BF16", {1, 2}},
    Row{GgmlType::kTQ1_0, "TQ1_0", {256, 54}},
    Row{GgmlType::kTQ2_0, "TQ2_0", {256, 66}},
    Row{GgmlType::kMXFP4, "MXFP4", {32, 17}},
    Row{GgmlType::kNVFP4, "NVFP4", {64, 36}},
    Row{GgmlType::kQ1_0, "Q1_0", {128, 18}},
};

const Row* row_of(GgmlType type) {
  for (const Row& row : kTable) {
    if (row.type == type) {
      return &row;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<GgmlType> ggml_type_from_number(std::int32_t number) {
  const auto type = static_cast<GgmlType>(number);
  return row_of(type) != nullptr ? std::optional(type) : std::nullopt;
}

std::string_view name_of(GgmlType type) {
  const Row* row = row_of(type);
  return row != nullptr ? row->name : "unknown";
}

std::optional<BlockLayout> block_layout(GgmlType type) {
  const Row* row = row_of(type);
  return row != nullptr ? std::optional(row->layout) : std::nullopt;
}

}  // namespace lore
