#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lore/formats/dtype.h"

namespace lore {

/// What a safetensors header says of one tensor.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
};

/// Bytes of a tensor, or nothing when a dimension is negative or the product does not fit.
std::optional<std::uint64_t> byte_size(DType dtype, std::span<const std::int64_t> shape);

/// Where everything lies in a safetensors file that is yet to be written.
struct SafetensorsLayout {
  std::string head;                    ///< the header, padded, with its length in front
  std::vector<std::size_t> order;      ///< places in the list of specs, as they follow in the file
  std::vector<std::uint64_t> offsets;  ///< of each spec's data from the start of the file
  std::uint64_t file_size = 0;
};

/// Lays tensors out as Hugging Face's library does: by descending dtype, then name; the header padded
/// with spaces to 8 bytes. `metadata` is left out when empty.
/// Throws: Error kInternal when a name repeats or a size overflows; `subject` is the file.
SafetensorsLayout lay_out_safetensors(const std::string& subject, std::span<const TensorSpec> tensors,
                                      const std::map<std::string, std::string>& metadata);

}  // namespace lore
