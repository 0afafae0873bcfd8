#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "lore/core/mapped_file.h"
#include "lore/formats/ggml_type.h"
#include "lore/formats/safetensors.h"

namespace lore {

/// A tensor of either format whose values are to be looked at.
struct ScanInput {
  std::string name;
  std::variant<DType, GgmlType> type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> file;
};

/// What was seen in a tensor's values.
struct ScanResult {
  bool readable = true;         ///< false for a type whose values are not floating point numbers Lore reads
  std::int64_t first_bad = -1;  ///< place of the first NaN or infinity; -1 where all are finite numbers
  bool zero = true;             ///< whether every value is zero

  /// "[3,17]": the place as an index.
  std::string place(const std::vector<std::int64_t>& shape) const;
};

/// Reads every value once, on all threads, and lets go of the pages that were read. `stop`, asked every few
/// megabytes, ends it early with what was seen until then.
std::vector<ScanResult> scan_tensors(const std::vector<ScanInput>& tensors,
                                     const std::function<bool()>& stop);

}  // namespace lore
