#include "lore/formats/gguf_value.h"

#include <array>
#include <cstring>
#include <limits>

namespace lore {
namespace {

struct Row {
  std::string_view name;
  std::size_t size;
};

/// In the order of the enumeration.
constexpr std::array<Row, 13> kTable{{{"uint8", 1},
                                      {"int8", 1},
                                      {"uint16", 2},
                                      {"int16", 2},
                                      {"uint32", 4},
                                      {"int32", 4},
                                      {"float32", 4},
                                      {"bool", 1},
                                      {"string", 0},
                                      {"array", 0},
                                      {"uint64", 8},
                                      {"int64", 8},
                                      {"float64", 8}}};

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

std::string_view name_of(GgufValueType type) { return kTable[static_cast<std::size_t>(type)].name; }

std::size_t size_of(GgufValueType type) { return kTable[static_cast<std::size_t>(type)].size; }

std::string type_text(const GgufValue& value) {
  return value.type == GgufValueType::kArray ? "array of " + std::string(name_of(value.element))
                                             : std::string(name_of(value.type));
}

bool is_integer(GgufValueType type) {
  switch (type) {
    case GgufValueType::kFloat32:
    case GgufValueType::kFloat64:
    case GgufValueType::kBool:
    case GgufValueType::kString:
    case GgufValueType::kArray:
      return false;
    default:
      return true;
  }
}

bool is_number(GgufValueType type) {
  return is_integer(type) || type == GgufValueType::kFloat32 || type == GgufValueType::kFloat64;
}

std::optional<std::int64_t> read_integer(GgufValueType type, const std::byte* at) {
  switch (type) {
    case GgufValueType::kUint8:
      return load<std::uint8_t>(at);
    case GgufValueType::kInt8:
      return load<std::int8_t>(at);
    case GgufValueType::kUint16:
      return load<std::uint16_t>(at);
    case GgufValueType::kInt16:
      return load<std::int16_t>(at);
    case GgufValueType::kUint32:
      return load<std::uint32_t>(at);
    case GgufValueType::kInt32:
      return load<std::int32_t>(at);
    case GgufValueType::kInt64:
      return load<std::int64_t>(at);
    default: {
      const auto value = load<std::uint64_t>(at);
      const bool fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      return fits ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
    }
  }
}

double read_real(GgufValueType type, const std::byte* at) {
  switch (type) {
    case GgufValueType::kFloat32:
      return load<float>(at);
    case GgufValueType::kFloat64:
      return load<double>(at);
    case GgufValueType::kUint64:
      return static_cast<double>(load<std::uint64_t>(at));
    default:
      return static_cast<double>(*read_integer(type, at));
  }
}

}  // namespace lore
