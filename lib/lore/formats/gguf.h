#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/core/mapped_file.h"
#include "lore/formats/ggml_type.h"
#include "lore/formats/gguf_value.h"

namespace lore {

/// A tensor of a GGUF file. `shape` is in torch's order: the reverse of the stored dimensions,
/// so the last one is contiguous and made of whole blocks.
struct GgufTensor {
  std::string name;
  GgmlType type = GgmlType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// A GGUF file, version 2 or 3, little-endian, memory-mapped and checked in full when opened.
/// Source: ggml's docs/gguf.md. Strings and arrays are at most 64 MiB, general.alignment at most 1 MiB.
///
/// Each getter returns nothing when the key is absent.
/// Throws: Error kInput naming key and stored type when the value is of another type.
class GgufFile {
 public:
  /// Throws: Error kInput for a file that is missing, damaged, or of another version or byte order.
  static GgufFile open(const std::filesystem::path& path);

  /// In the file's order. The bytes live as long as `file()`.
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  /// Null when there is no such tensor.
  const GgufTensor* find(std::string_view name) const;

  bool has(std::string_view key) const { return values_.find(key) != values_.end(); }
  /// Any integer type; a uint64 beyond int64 is an error. A bool is not an integer.
  std::optional<std::int64_t> integer(std::string_view key) const;
  /// float32, float64 or any integer type.
  std::optional<double> real(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  /// Points into the mapped file. The bytes are as stored; UTF-8 is not checked.
  std::optional<std::string_view> text(std::string_view key) const;
  /// Null when absent. The views point into the mapped file.
  const std::vector<std::string_view>* strings(std::string_view key) const;
  /// An array of float32, float64 or integers.
  std::optional<std::vector<float>> reals(std::string_view key) const;
  /// An array of any integer type.
  std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
  /// Sorted.
  std::vector<std::string> keys() const;
  /// The value as it is stored; null when absent. Points into the mapped file.
  const GgufValue* value(std::string_view key) const { return lookup(key); }
  /// The stored type of a key for display: "uint32", "array of string"; empty when absent.
  std::string type_of(std::string_view key) const;

  /// 2 or 3.
  std::uint32_t version() const { return version_; }
  std::shared_ptr<const MappedFile> file() const { return file_; }

 private:
  friend class GgufReader;

  const GgufValue* lookup(std::string_view key) const;
  [[noreturn]] void refuse_type(std::string_view key, const GgufValue& value, std::string_view wanted) const;

  std::shared_ptr<const MappedFile> file_;
  std::uint32_t version_ = 0;
  std::map<std::string, GgufValue, std::less<>> values_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;  ///< into `tensors_`, by name
};

}  // namespace lore
