#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lore/formats/safetensors.h"

namespace lore {

/// What to say besides that `file`, an adapter's, lacks the tensor `name`: under which other spelling it
/// has it, if under any. Begins with "; ".
std::string misnamed_tensor(const SafetensorsFile& file, const std::string& name);

/// What may have gone wrong with the factor `name` of the shape `got` where `expected`, [r, in] or [out, r],
/// belongs: another rank, another model, transposed or swapped with its partner. Empty, or begins with " (".
std::string shape_mistake(const std::string& name, std::span<const std::int64_t> expected,
                          std::span<const std::int64_t> got);

}  // namespace lore
