#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lore/formats/gguf_writer.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// One tensor of a GGUF file and the model's tensor that it is made of.
struct GgufSourceTensor {
  GgufTensorSpec spec;
  std::string source;        ///< Hugging Face name; empty for rope_freqs.weight
  bool interleaved = false;  ///< rows change places
};

/// The tensors of a GGUF file, in the order of computation.
struct GgufPlan {
  std::vector<GgufSourceTensor> tensors;
  std::vector<std::string> fallbacks;  ///< matrices whose rows are no whole Q8_0 blocks, and are F16
  std::vector<float> divisors;         ///< rope_freqs.weight
  std::uint64_t bytes = 0;             ///< of all tensors

  std::vector<GgufTensorSpec> specs() const;
};

/// The type a tensor is stored as where `wanted` is asked for: vectors are F32, and a matrix whose rows are
/// no whole blocks is F16, as llama.cpp's converter has it.
GgmlType gguf_type_of(const std::vector<std::int64_t>& shape, GgmlType wanted);

/// The type in "gguf:f32", "gguf:f16", "gguf:bf16" or "gguf:q8_0"; nothing for another text.
std::optional<GgmlType> gguf_type_named(std::string_view to);

/// Throws: Error kInput when the model holds tensors that are not part of its architecture.
GgufPlan plan_gguf(const WeightSource& source, GgmlType type);

/// Told of the bytes written so far, and of all.
using GgufProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Writes the planned tensors on all threads, a few megabytes at a time. `stop`, asked before every piece,
/// ends it early: then it returns false.
/// Throws: Error kInput naming a tensor with NaN or infinite values; kRefused where a value is too large for
/// the type; kResources.
bool write_gguf_tensors(const GgufPlan& plan, const WeightSource& source, GgufWriter& writer,
                        const std::function<bool()>& stop, const GgufProgress& progress);

}  // namespace lore
