#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "lore/formats/adapter_config.h"

namespace lore {

/// What lore_manifest.json keeps, under "adapter", of a configuration: everything its scale hangs on. A wrong
/// scale shows in no tensor, so this is how a configuration that was changed afterwards is told.
nlohmann::ordered_json adapter_record(const PeftConfig& config);

/// Compares `config`, of the adapter in `folder`, with the record in its lore_manifest.json, if there is one.
/// Throws: Error kInput naming the key in which they differ.
void check_adapter_record(const std::filesystem::path& folder, const PeftConfig& config);

}  // namespace lore
