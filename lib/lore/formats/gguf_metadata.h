#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "lore/formats/gguf_value.h"

namespace lore {

/// The stored type of a C++ number: float -> float32, std::uint32_t -> uint32, bool -> bool.
template <typename T>
constexpr GgufValueType gguf_type_of();

/// Metadata for a GGUF file, collected in the order it will be stored.
/// Throws: Error kInternal when a key is given twice.
class GgufMetadata {
 public:
  template <typename T>
  void number(std::string_view key, T value) {
    begin(key, gguf_type_of<T>());
    append(value);
  }
  void text(std::string_view key, std::string_view value);

  template <typename T>
  void numbers(std::string_view key, std::span<const T> values) {
    begin_array(key, gguf_type_of<T>(), values.size());
    for (const T value : values) {
      append(value);
    }
  }
  void texts(std::string_view key, std::span<const std::string> values);

  /// A value of another file, as it is stored there.
  void copy(std::string_view key, const GgufValue& value);

  bool has(std::string_view key) const { return keys_.find(key) != keys_.end(); }
  std::size_t count() const { return keys_.size(); }
  /// All keys and values as they are stored.
  const std::string& bytes() const { return bytes_; }

 private:
  void begin(std::string_view key, GgufValueType type);
  void begin_array(std::string_view key, GgufValueType element, std::size_t count);
  void append_text(std::string_view text);

  template <typename T>
  void append(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  std::string bytes_;
  std::set<std::string, std::less<>> keys_;
};

template <typename T>
constexpr GgufValueType gguf_type_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return GgufValueType::kBool;
  } else if constexpr (std::is_floating_point_v<T>) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8);
    return sizeof(T) == 4 ? GgufValueType::kFloat32 : GgufValueType::kFloat64;
  } else if constexpr (sizeof(T) == 8) {
    return std::is_signed_v<T> ? GgufValueType::kInt64 : GgufValueType::kUint64;
  } else if constexpr (sizeof(T) == 4) {
    return std::is_signed_v<T> ? GgufValueType::kInt32 : GgufValueType::kUint32;
  } else if constexpr (sizeof(T) == 2) {
    return std::is_signed_v<T> ? GgufValueType::kInt16 : GgufValueType::kUint16;
  } else {
    static_assert(std::is_integral_v<T> && sizeof(T) == 1);
    return std::is_signed_v<T> ? GgufValueType::kInt8 : GgufValueType::kUint8;
  }
}

}  // namespace lore
