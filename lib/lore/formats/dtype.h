#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lore {

/// Element types of a safetensors file that Lore reads.
enum class DType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI8,
  kU8,
  kI16,
  kI32,
  kI64,
  kBool,
  kF8E4M3,
  kF8E5M2
};

/// Bytes of one element.
std::size_t size_of(DType dtype);

/// The name safetensors gives the type: "F32", "BF16", "F8_E4M3".
std::string_view name_of(DType dtype);

/// The inverse of `name_of`; nothing for a name that is not a DType.
std::optional<DType> dtype_from_name(std::string_view name);

}  // namespace lore
