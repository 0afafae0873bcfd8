#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lore/formats/dtype.h"

namespace lore {

/// What the JSON header of a safetensors file says, before it is compared with the data.
struct SafetensorsHeader {
  struct Entry {
    std::string name;
    DType dtype = DType::kF32;
    std::vector<std::int64_t> shape;
    std::uint64_t begin = 0;  ///< offsets into the data, as written
    std::uint64_t end = 0;
  };
  std::vector<Entry> entries;  ///< in the file's order
  std::map<std::string, std::string> metadata;
};

/// Parses the header in one pass, without a document tree: memory stays proportional to the text.
/// Throws: Error kInput for anything but the format's own grammar; `subject` is the file.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& subject);

}  // namespace lore
