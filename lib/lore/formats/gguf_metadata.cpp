#include "lore/formats/gguf_metadata.h"

#include <fmt/format.h>

#include "lore/core/error.h"

namespace lore {

void GgufMetadata::text(std::string_view key, std::string_view value) {
  begin(key, GgufValueType::kString);
  append_text(value);
}

void GgufMetadata::texts(std::string_view key, std::span<const std::string> values) {
  begin_array(key, GgufValueType::kString, values.size());
  for (const std::string& value : values) {
    append_text(value);
  }
}

void GgufMetadata::copy(std::string_view key, const GgufValue& value) {
  const std::string_view stored(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
  if (value.type == GgufValueType::kString) {
    text(key, stored);
  } else if (value.type != GgufValueType::kArray) {
    begin(key, value.type);
    bytes_.append(stored);
  } else if (value.element == GgufValueType::kString) {
    begin_array(key, value.element, value.strings.size());
    for (const std::string_view one : value.strings) {
      append_text(one);
    }
  } else {
    begin_array(key, value.element, value.bytes.size() / size_of(value.element));
    bytes_.append(stored);
  }
}

void GgufMetadata::begin(std::string_view key, GgufValueType type) {
  if (!keys_.emplace(key).second) {
    throw Error(ErrorKind::kInternal, std::string(key), "would be written twice into a GGUF file");
  }
  append_text(key);
  append(static_cast<std::uint32_t>(type));
}

void GgufMetadata::begin_array(std::string_view key, GgufValueType element, std::size_t count) {
  begin(key, GgufValueType::kArray);
  append(static_cast<std::uint32_t>(element));
  append(std::uint64_t{count});
}

void GgufMetadata::append_text(std::string_view text) {
  append(std::uint64_t{text.size()});
  bytes_.append(text);
}

}  // namespace lore
