#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace lore {

/// Bytes, given one part after another.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills the front of `buffer` and returns how much; 0 at the end only.
  /// Throws: Error kInput for damaged bytes, kResources.
  virtual std::size_t read(char* buffer, std::size_t size) = 0;
};

/// Reads until `buffer` is full or nothing is left.
std::size_t read_fully(ByteSource& bytes, char* buffer, std::size_t size);

/// The bytes of a regular file, under the name `shown` in messages.
/// Throws: Error kInput when it cannot be opened or is no regular file.
std::unique_ptr<ByteSource> open_file_bytes(const std::filesystem::path& path, const std::string& shown);

/// Bytes whose first part can be looked at before anything is taken.
class SampledBytes final : public ByteSource {
 public:
  SampledBytes(std::unique_ptr<ByteSource> bytes, std::size_t sample_size);

  std::string_view sample() const { return sample_; }
  /// True where the sample is all there is.
  bool is_whole() const { return is_whole_; }
  /// Leaves out the first `count` bytes. REQUIRES count <= sample().size() and nothing taken yet.
  void skip(std::size_t count) { taken_ = count; }

  std::size_t read(char* buffer, std::size_t size) override;

 private:
  std::unique_ptr<ByteSource> bytes_;
  std::string sample_;
  bool is_whole_ = false;
  std::size_t taken_ = 0;
};

}  // namespace lore
