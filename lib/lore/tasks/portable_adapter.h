#pragma once

#include <filesystem>
#include <string>

#include "lore/tasks/convert_model.h"

namespace lore {

/// Writes an adapter as the plainest of PEFT's folders, which vLLM's reader and llama.cpp's converter take:
/// one rank, one integer lora_alpha, no rsLoRA and no patterns, a list of module names, float32, nothing but
/// low-rank pairs. It computes what the adapter does: smaller ranks are filled up with zeros, and
/// scalings that one alpha cannot say are multiplied into B.
///
/// `base_name` becomes base_model_name_or_path; when it is empty, the adapter's own is kept, of a path only
/// the last name. Throws: Error kRefused for an adapter that is more than that, with the advice to merge;
/// kInput; kResources.
Conversion write_portable_adapter(const std::filesystem::path& adapter, const std::string& base_name,
                                  const std::filesystem::path& folder);

}  // namespace lore
