#pragma once

#include <filesystem>
#include <vector>

#include "lore/nn/model_parameters.h"

namespace lore {

/// The linears that the adapter in `folder` is on, told from the names and shapes of its own matrices, so
/// that no base is needed to open it (`StoredAdapter::open`). Each leaf name is listed for every layer up to
/// the last that the file has, so that a module left out of the middle is found missing.
///
/// In the order of layers, then of names; the output head last.
/// Throws: Error kInput for a folder or a file that cannot be read, or one without low-rank matrices.
std::vector<LinearShape> adapter_linears(const std::filesystem::path& folder);

}  // namespace lore
