#include "lore/formats/tensors_digest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>

#include "lore/core/sha256.h"
#include "lore/formats/gguf.h"
#include "lore/formats/safetensors.h"

namespace lore {
namespace {

/// A tensor of either format.
struct Entry {
  std::string type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> file;
};

using Entries = std::multimap<std::string, Entry>;

void add_file(const std::filesystem::path& path, Entries& entries) {
  const auto add = [&](const auto& tensor, std::string_view type, const auto& file) {
    entries.emplace(tensor.name, Entry{std::string(type), tensor.shape, tensor.bytes, file});
  };
  if (path.extension() == ".gguf") {
    const GgufFile gguf = GgufFile::open(path);
    for (const GgufTensor& tensor : gguf.tensors()) {
      add(tensor, name_of(tensor.type), gguf.file());
    }
    return;
  }
  const SafetensorsFile safetensors = SafetensorsFile::open(path);
  for (const TensorView& tensor : safetensors.tensors()) {
    add(tensor, name_of(tensor.dtype), safetensors.file());
  }
}

}  // namespace

TensorsDigest digest_tensors(const std::vector<std::filesystem::path>& files,
                             const std::function<bool()>& stop) {
  constexpr std::size_t kPiece = std::size_t{8} << 20;
  Entries entries;
  for (const std::filesystem::path& path : files) {
    add_file(path, entries);
  }
  TensorsDigest digest;
  Sha256 whole;
  for (const auto& [name, entry] : entries) {
    Sha256 hash;
    for (std::size_t first = 0; first < entry.bytes.size(); first += kPiece) {
      if (stop && stop()) {
        return {};
      }
      const auto piece = entry.bytes.subspan(first, std::min(kPiece, entry.bytes.size() - first));
      hash.update(piece);
      entry.file->release(piece);
    }
    whole.update(fmt::format("{}:{} {} {} {}\n", name.size(), name, entry.type, fmt::join(entry.shape, "x"),
                             hash.hex()));
    ++digest.tensors;
    digest.bytes += static_cast<std::int64_t>(entry.bytes.size());
  }
  digest.sha256 = whole.hex();
  return digest;
}

TensorsDigest digest_tensors(const std::vector<std::filesystem::path>& files, const FileMemo& memo,
                             const std::function<bool()>& stop) {
  const std::string text = memo.get("tensors", files, [&] {
    const TensorsDigest digest = digest_tensors(files, stop);
    return digest.sha256.empty() ? "" : fmt::format("{} {} {}", digest.sha256, digest.tensors, digest.bytes);
  });
  TensorsDigest digest;
  std::istringstream(text) >> digest.sha256 >> digest.tensors >> digest.bytes;
  return digest;
}

}  // namespace lore
