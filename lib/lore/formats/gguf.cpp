#include "lore/formats/gguf.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/gguf_reader.h"

namespace lore {

GgufFile GgufFile::open(const std::filesystem::path& path) {
  return GgufReader(MappedFile::open(path)).read();
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found != index_.end() ? &tensors_[found->second] : nullptr;
}

const GgufValue* GgufFile::lookup(std::string_view key) const {
  const auto found = values_.find(key);
  return found != values_.end() ? &found->second : nullptr;
}

void GgufFile::refuse_type(std::string_view key, const GgufValue& value, std::string_view wanted) const {
  throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: {}", file_->path().string(), printable(key)),
                        wanted, type_text(value));
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
  const GgufValue* value = lookup(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!is_integer(value->type)) {
    refuse_type(key, *value, "an integer");
  }
  const auto result = read_integer(value->type, value->bytes.data());
  if (!result) {
    refuse_type(key, *value, "an integer below 2^63");
  }
  return result;
}

std::optional<double> GgufFile::real(std::string_view key) const {
  const GgufValue* value = lookup(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!is_number(value->type)) {
    refuse_type(key, *value, "a number");
  }
  return read_real(value->type, value->bytes.data());
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const GgufValue* value = lookup(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->type != GgufValueType::kBool) {
    refuse_type(key, *value, "a bool");
  }
  return value->bytes.front() != std::byte{0};
}

std::optional<std::string_view> GgufFile::text(std::string_view key) const {
  const GgufValue* value = lookup(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->type != GgufValueType::kString) {
    refuse_type(key, *value, "a string");
  }
  return std::string_view(reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size());
}

const std::vector<std::string_view>* GgufFile::strings(std::string_view key) const {
  const GgufValue* value = lookup(key);
  if (value == nullptr) {
    return nullptr;
  }
  if (value->type != GgufValueType::kArray || value->element != GgufValueType::kString) {
    refuse_type(key, *value, "an array of strings");
  }
  return &value->strings;
}

std::optional<std::vector<float>> GgufFile::reals(std::string_view key) const {
  const GgufValue* value = lookup(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->type != GgufValueType::kArray || !is_number(value->element)) {
    refuse_type(key, *value, "an array of numbers");
  }
  std::vector<float> result(value->bytes.size() / size_of(value->element));
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = static_cast<float>(read_real(value->element, &value->bytes[i * size_of(value->element)]));
  }
  return result;
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
  const GgufValue* value = lookup(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->type != GgufValueType::kArray || !is_integer(value->element)) {
    refuse_type(key, *value, "an array of integers");
  }
  std::vector<std::int64_t> result(value->bytes.size() / size_of(value->element));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto number = read_integer(value->element, &value->bytes[i * size_of(value->element)]);
    if (!number) {
      refuse_type(key, *value, "integers below 2^63");
    }
    result[i] = *number;
  }
  return result;
}

std::vector<std::string> GgufFile::keys() const {
  std::vector<std::string> keys;
  keys.reserve(values_.size());
  for (const auto& [key, value] : values_) {
    keys.push_back(key);
  }
  return keys;
}

std::string GgufFile::type_of(std::string_view key) const {
  const GgufValue* value = lookup(key);
  return value != nullptr ? type_text(*value) : std::string();
}

}  // namespace lore
