#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lore/core/file_memo.h"

namespace lore {

/// What identifies the weights of a model.
struct TensorsDigest {
  std::string sha256;        ///< 64 hex digits
  std::int64_t tensors = 0;  ///< how many there are
  std::int64_t bytes = 0;    ///< of all of them

  bool operator==(const TensorsDigest&) const = default;
};

/// The SHA-256 of the tensors in `files` (safetensors, or GGUF by its extension) in canonical form: for
/// each tensor, by name, the line "LENGTH:NAME DTYPE DIMxDIM SHA256-OF-ITS-BYTES". It does not depend on
/// how the tensors are spread over files, on their order there or on the files' metadata.
/// `stop`, asked every few megabytes, ends it early with an empty digest.
/// Throws: Error kInput for a file that is missing or damaged.
TensorsDigest digest_tensors(const std::vector<std::filesystem::path>& files,
                             const std::function<bool()>& stop = {});

/// The same, remembered by `memo`.
TensorsDigest digest_tensors(const std::vector<std::filesystem::path>& files, const FileMemo& memo,
                             const std::function<bool()>& stop = {});

}  // namespace lore
