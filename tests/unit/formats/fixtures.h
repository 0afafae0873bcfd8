#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/core/error.h"

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The text of the kInput error that `action` throws; says so when it throws none.
template <typename Action>
std::string refusal(Action&& action) {
  try {
    std::forward<Action>(action)();
  } catch (const lore::Error& error) {
    return error.kind() == lore::ErrorKind::kInput ? error.what()
                                                   : std::string("wrong kind: ") + error.what();
  }
  return "nothing was refused";
}

/// Empty when `text` contains every fragment; else the first that it lacks, and the text.
inline std::string lacking(const std::string& text, std::initializer_list<std::string_view> fragments) {
  for (const std::string_view fragment : fragments) {
    if (text.find(fragment) == std::string::npos) {
      return "no \"" + std::string(fragment) + "\" in: " + text;
    }
  }
  return "";
}

/// The little-endian bytes of a number.
template <typename T>
std::string packed(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// A safetensors file of a header and `data_size` bytes that count up.
inline std::string safetensors_text(std::string_view header, std::size_t data_size) {
  std::string text = packed<std::uint64_t>(header.size()) + std::string(header);
  for (std::size_t i = 0; i < data_size; ++i) {
    text += static_cast<char>(i);
  }
  return text;
}

/// A GGUF string: length and bytes.
inline std::string gguf_string(std::string_view text) {
  return packed<std::uint64_t>(text.size()) + std::string(text);
}

/// Numbers of the metadata value types.
enum GgufCode : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBoolean,
  kText,
  kList,
  kU64,
  kI64,
  kF64
};

/// Puts a GGUF file together from pieces, sound or not.
struct GgufBuilder {
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::vector<std::string> values;
  std::vector<std::string> tensors;
  std::string data;

  GgufBuilder& value(std::string_view key, GgufCode type, const std::string& bytes) {
    values.push_back(gguf_string(key) + packed<std::uint32_t>(type) + bytes);
    return *this;
  }
  GgufBuilder& list(std::string_view key, GgufCode element, std::uint64_t count, const std::string& bytes) {
    return value(key, kList, packed<std::uint32_t>(element) + packed(count) + bytes);
  }
  GgufBuilder& tensor(std::string_view name, const std::vector<std::int64_t>& dimensions, std::int32_t type,
                      std::uint64_t offset) {
    std::string bytes = gguf_string(name) + packed(static_cast<std::uint32_t>(dimensions.size()));
    for (const std::int64_t dimension : dimensions) {
      bytes += packed(dimension);
    }
    tensors.push_back(bytes + packed(type) + packed(offset));
    return *this;
  }

  std::string text(std::size_t alignment = 32) const {
    return with_counts(tensors.size(), values.size(), alignment);
  }
  std::string with_counts(std::uint64_t tensor_count, std::uint64_t value_count,
                          std::size_t alignment = 32) const {
    std::string result = magic + packed(version) + packed(tensor_count) + packed(value_count);
    for (const std::string& bytes : values) {
      result += bytes;
    }
    for (const std::string& bytes : tensors) {
      result += bytes;
    }
    result.resize((result.size() + alignment - 1) / alignment * alignment, '\0');
    return result + data;
  }
};
