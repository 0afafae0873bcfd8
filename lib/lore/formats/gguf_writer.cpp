#include "lore/formats/gguf_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <utility>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr std::uint64_t kAlignment = 32;
constexpr std::size_t kLongestName = 63;  ///< GGML_MAX_NAME less the NUL
constexpr std::size_t kMostDimensions = 4;
constexpr std::uint32_t kVersion = 3;

std::uint64_t aligned(std::uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

template <typename T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void check_name(const std::string& path, const GgufTensorSpec& tensor, std::set<std::string>& names) {
  if (tensor.name.empty() || tensor.name.size() > kLongestName || tensor.shape.size() > kMostDimensions) {
    throw Error(ErrorKind::kInternal, path,
                fmt::format("tensor \"{}\" has a name or a rank that GGUF cannot hold", tensor.name));
  }
  if (!names.insert(tensor.name).second) {
    throw Error(ErrorKind::kInternal, path,
                fmt::format("the tensor \"{}\" would be written twice", tensor.name));
  }
}

}  // namespace

std::uint64_t byte_size(const GgufTensorSpec& tensor) {
  const BlockLayout layout = *block_layout(tensor.type);
  const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  auto bytes = static_cast<std::uint64_t>(layout.bytes);
  bool fits = row >= 0 && row % layout.elements == 0 &&
              !__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(row / layout.elements), &bytes);
  for (std::size_t i = 0; fits && i + 1 < tensor.shape.size(); ++i) {
    fits = tensor.shape[i] >= 0 &&
           !__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(tensor.shape[i]), &bytes);
  }
  if (!fits) {
    throw Error(ErrorKind::kInternal, tensor.name,
                fmt::format("the shape [{}] cannot be stored as {}", fmt::join(tensor.shape, ","),
                            name_of(tensor.type)));
  }
  return bytes;
}

GgufWriter::GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
                       std::vector<GgufTensorSpec> tensors)
    : path_(path.string()), tensors_(std::move(tensors)), file_(path) {
  std::string head = "GGUF";
  append(head, kVersion);
  append(head, std::uint64_t{tensors_.size()});
  append(head, std::uint64_t{metadata.count()});
  head += metadata.bytes();
  std::set<std::string> names;
  std::uint64_t offset = 0;
  offsets_.reserve(tensors_.size());
  for (const GgufTensorSpec& tensor : tensors_) {
    check_name(path_, tensor, names);
    append(head, std::uint64_t{tensor.name.size()});
    head += tensor.name;
    append(head, static_cast<std::uint32_t>(tensor.shape.size()));
    for (std::size_t i = tensor.shape.size(); i-- > 0;) {
      append(head, tensor.shape[i]);
    }
    append(head, static_cast<std::int32_t>(tensor.type));
    append(head, offset);
    offsets_.push_back(offset);
    offset += aligned(byte_size(tensor));
  }
  head.resize(aligned(head.size()), '\0');
  for (std::uint64_t& place : offsets_) {
    place += head.size();
  }
  file_size_ = head.size() + offset;
  file_.write(head);
  // The padding behind the last tensor is part of the file.
  if (offset > 0) {
    file_.write_at(file_size_ - 1, std::as_bytes(std::span("", 1)));
  }
}

void GgufWriter::write(std::size_t tensor, std::uint64_t offset, std::span<const std::byte> bytes) {
  const std::uint64_t size = byte_size(tensors_.at(tensor));
  if (offset > size || bytes.size() > size - offset) {
    throw Error(ErrorKind::kInternal, path_, "bytes outside a tensor would be written");
  }
  file_.write_at(offsets_[tensor] + offset, bytes);
}

}  // namespace lore
