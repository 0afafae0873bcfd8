#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lore/formats/ggml_type.h"
#include "lore/nn/model_parameters.h"

namespace lore {

/// A kind of GGUF file, by the type that most of its matrices have.
struct GgufFormat {
  std::string_view name;    ///< as it is asked for: "gguf:q4_k_m"
  std::string_view label;   ///< as llama.cpp calls it: "Q4_K_M"
  GgmlType type;            ///< of most matrices
  std::uint32_t file_type;  ///< general.file_type
  bool mixes = false;       ///< some of v_proj and down_proj are Q6_K
};

/// All there are, the finest first.
std::span<const GgufFormat> gguf_formats();
/// Null for a name that is none of them.
const GgufFormat* gguf_format_named(std::string_view name);
/// The plain one of F32, F16, BF16 or Q8_0.
const GgufFormat& gguf_format_of(GgmlType type);
/// "gguf:f32, gguf:f16, ...".
std::string gguf_format_names();

/// Whether weights of the type have lost bits that a float of 16 bits has.
bool is_quantized(GgmlType type);

/// What llama.cpp's quantize (llama-quant.cpp) stores a tensor as in a file of the format, before its shape
/// is looked at: vectors are F32. In quantized files the head, or the embeddings where they are the head, is
/// Q6_K (Q8_0 in Q8_0); K_M files have Q6_K for v_proj and down_proj in the first and last eighth of the
/// layers and every third between; with `importance`, the first eighth of down_proj in Q4_0 and Q5_0 files
/// have a minimum.
GgmlType wanted_gguf_type(const GgufFormat& format, const ParameterShape& parameter,
                          const LlamaConfig& config, bool importance);

/// The type that a matrix with rows of `columns` gets: `wanted` when they are whole blocks of it; else Q5_0
/// for Q4_K, Q5_1 for Q5_K, Q8_0 for Q6_K; else F16.
GgmlType fitting_gguf_type(GgmlType wanted, std::int64_t columns);

}  // namespace lore
