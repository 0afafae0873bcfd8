#pragma once

#include <string>

#include "lore/formats/gguf.h"

namespace lore {

/// Reads a mapped GGUF file from front to back, checking every size before it is used.
class GgufReader {
 public:
  explicit GgufReader(std::shared_ptr<const MappedFile> file);

  /// Throws: Error kInput.
  GgufFile read();

 private:
  template <typename T>
  T number(std::string_view what);
  std::span<const std::byte> take(std::uint64_t size, std::string_view what);
  std::string_view string(std::string_view what);
  std::uint64_t remaining() const { return bytes_.size() - at_; }

  void read_magic(std::uint32_t& version);
  GgufValueType value_type(const std::string& key);
  GgufValue value(const std::string& key);
  void array(const std::string& key, GgufValue& value);
  void check_bools(const std::string& key, std::span<const std::byte> bytes) const;
  void read_values(std::uint64_t count);
  std::uint64_t alignment() const;

  /// A tensor's description with its still unchecked offset.
  struct Placed {
    std::uint64_t offset;
    std::uint64_t size;
  };
  Placed read_tensor();
  void place_tensors(const std::vector<Placed>& places);

  [[noreturn]] void refuse(std::string message) const;

  std::string subject_;
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  GgufFile result_;
};

}  // namespace lore
