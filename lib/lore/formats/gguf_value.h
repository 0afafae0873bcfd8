#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// Types of GGUF metadata values; values as stored.
enum class GgufValueType : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

/// A metadata value as it lies in the mapped file.
struct GgufValue {
  GgufValueType type = GgufValueType::kUint8;
  GgufValueType element = GgufValueType::kUint8;  ///< of an array
  std::span<const std::byte> bytes;               ///< the scalar, the text, or the array's numbers
  std::vector<std::string_view> strings;          ///< of an array of strings
};

/// "uint32", "string".
std::string_view name_of(GgufValueType type);
/// Bytes of a number or a bool; 0 for the types without a fixed size.
std::size_t size_of(GgufValueType type);
/// "uint32", "array of string".
std::string type_text(const GgufValue& value);

bool is_integer(GgufValueType type);
bool is_number(GgufValueType type);
/// One integer of the type. Nothing when a uint64 exceeds int64. REQUIRES is_integer(type).
std::optional<std::int64_t> read_integer(GgufValueType type, const std::byte* at);
/// One number of the type. REQUIRES is_number(type).
double read_real(GgufValueType type, const std::byte* at);

}  // namespace lore
