#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lore/formats/tensors_digest.h"

namespace lore {

/// The base that an adapter was made on, by its lore_manifest.json.
struct BaseBinding {
  std::string name;
  TensorsDigest digest;
};

/// Reads the binding of the adapter in `folder`; nothing when it has no manifest (another program made
/// it), or one that does not say which tensors the base had.
/// Throws: Error kInput for a manifest that cannot be read.
std::optional<BaseBinding> read_base_binding(const std::filesystem::path& folder);

/// In what the base at hand differs from the one the adapter was made on; empty when in nothing.
std::string base_difference(const BaseBinding& binding, const std::string& name, const TensorsDigest& base);

}  // namespace lore
