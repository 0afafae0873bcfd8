#pragma once

#include <filesystem>
#include <string>

#include "lore/formats/ggml_type.h"
#include "lore/tasks/convert_model.h"

namespace lore {

/// Writes a LoRA adapter as a GGUF file that llama.cpp loads beside a GGUF file of `base` (a model's folder
/// or GGUF file, of which only the configuration is read). Scalings that one adapter.lora.alpha cannot say
/// are multiplied into lora_b. Throws: Error kRefused for an adapter that is more than low-rank pairs, or one
/// on a head or embeddings that are tied; kInput when it does not fit the base; kResources.
Conversion convert_adapter_to_gguf(const std::filesystem::path& adapter, const std::filesystem::path& base,
                                   const std::string& base_name, GgmlType type,
                                   const std::filesystem::path& output);

/// Writes a GGUF LoRA adapter as PEFT's two files into `folder`, in float32, for the base it was made on.
/// Throws: Error kInput for a file that is no LoRA adapter, or does not fit the base; kResources.
Conversion convert_adapter_to_peft(const std::filesystem::path& gguf, const std::filesystem::path& base,
                                   const std::string& base_name, const std::filesystem::path& folder);

}  // namespace lore
