#pragma once

#include <filesystem>

#include "lore/formats/safetensors.h"

namespace lore {

/// Opens adapter_model.safetensors of an adapter's folder.
/// Throws: Error kInput; where it is missing, saying what the folder has instead.
SafetensorsFile open_adapter_weights(const std::filesystem::path& folder);

/// Throws: Error kInput where `folder` is none, or has no adapter_config.json.
void check_adapter_folder(const std::filesystem::path& folder);

}  // namespace lore
