#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lore/tasks/environment.h"
#include "lore/tasks/gguf_stream.h"

namespace lore {

/// What a conversion wrote.
struct Conversion {
  std::string what;  ///< "model" or "adapter"
  std::string type;  ///< of the numbers, or the mixture of them: "F16", "Q4_K_M", "bfloat16"
  std::size_t tensors = 0;
  std::uint64_t bytes = 0;  ///< of the tensors
  std::vector<GgufFallback> fallbacks;
  std::vector<std::string> files;  ///< of a folder, beside the weights
  std::vector<std::string> warnings;
};

/// Writes a model, a folder or another GGUF file, as a GGUF file of the format; null: the one of the type of
/// most of its own weights. `name` is what the file calls the model. Nothing when a signal ended it. The
/// tokenizer is written, read back and compared with the folder's own on a set of texts. Throws: Error kInput
/// for a model without a tokenizer, or with one that llama.cpp cannot follow; kRefused for a model that
/// llama.cpp would compute otherwise, a value too large for the type, or a GGUF file of that type already;
/// kResources.
std::optional<Conversion> convert_to_gguf(const std::filesystem::path& model, const std::string& name,
                                          const GgufFormat* format, const std::filesystem::path& output,
                                          const Environment& environment, const GgufProgress& progress);

/// The same of the weights of `source`: `model` with something done to it, or itself. `importance` may be
/// empty.
std::optional<Conversion> write_gguf_model(const WeightSource& source, const std::filesystem::path& model,
                                           const std::string& name, const GgufFormat& format,
                                           const Importance& importance, const std::filesystem::path& output,
                                           const Environment& environment, const GgufProgress& progress);

/// The type of most of the bytes of a model; BF16 for a folder of anything but F32 and F16.
GgmlType main_type(const std::filesystem::path& model);

/// Writes a GGUF file as a Hugging Face folder into `folder`, dequantized to `dtype` (as plan_merge takes
/// it). Nothing when a signal ended it. Throws: Error kInput; kRefused for a value too large for the dtype;
/// kResources.
std::optional<Conversion> convert_to_hf(const std::filesystem::path& gguf, const std::string& dtype,
                                        std::uint64_t shard_bytes, const std::filesystem::path& output,
                                        const std::filesystem::path& folder, const Environment& environment);

}  // namespace lore
