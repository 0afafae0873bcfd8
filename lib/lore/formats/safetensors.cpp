#include "lore/formats/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/safetensors_header.h"
#include "lore/formats/safetensors_layout.h"

namespace lore {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::string_view kConvert =
    "is a pickle, which can run code when it is read, so Lore never opens one. Convert it to safetensors "
    "where you "
    "trust the file, for instance with transformers: AutoModelForCausalLM.from_pretrained(FOLDER)"
    ".save_pretrained(NEW_FOLDER, safe_serialization=True)";

void refuse_other_formats(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  for (const std::string_view pickle : {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}) {
    if (extension == pickle) {
      throw Error(ErrorKind::kInput, path.string(), std::string(kConvert));
    }
  }
}

void refuse_other_contents(const std::string& subject, std::string_view text) {
  const bool zip = text.starts_with("PK\x03\x04");
  const bool pickle = text.size() > 1 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5;
  // A safetensors file may begin with the same bytes, as part of its header's length, but has '{' at byte 8.
  if ((zip || pickle) && !(text.size() > 8 && text[8] == '{')) {
    throw Error(ErrorKind::kInput, subject, std::string(kConvert));
  }
  if (text.starts_with("GGUF")) {
    throw Error(ErrorKind::kInput, subject, "is a GGUF file, not safetensors; rename it to end in .gguf");
  }
  if (text.starts_with("version https://git-lfs")) {
    throw Error(ErrorKind::kInput, subject,
                "is a Git LFS pointer, not the weights; run `git lfs pull` in its folder");
  }
}

void check_sizes(const std::vector<SafetensorsHeader::Entry>& entries, std::uint64_t data_size,
                 const std::string& subject) {
  for (const auto& entry : entries) {
    const auto refuse = [&](std::string_view message) {
      throw Error(ErrorKind::kInput, subject, fmt::format("tensor {}: {}", in_quotes(entry.name), message));
    };
    const auto bytes = byte_size(entry.dtype, entry.shape);
    if (!bytes) {
      refuse(fmt::format("the shape [{}] overflows", fmt::join(entry.shape, ",")));
    }
    if (entry.begin > entry.end || entry.end > data_size) {
      refuse(fmt::format("the data_offsets [{},{}] lie outside the {} bytes of data (a truncated file?)",
                         entry.begin, entry.end, data_size));
    }
    if (entry.end - entry.begin != *bytes) {
      refuse(fmt::format("expected {} bytes for {} [{}], got {}", *bytes, name_of(entry.dtype),
                         fmt::join(entry.shape, ","), entry.end - entry.begin));
    }
  }
}

void check_coverage(const std::vector<SafetensorsHeader::Entry>& entries, std::uint64_t data_size,
                    const std::string& subject) {
  std::vector<const SafetensorsHeader::Entry*> order;
  order.reserve(entries.size());
  for (const auto& entry : entries) {
    order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::tie(a->begin, a->end) < std::tie(b->begin, b->end);
  });
  std::uint64_t covered = 0;
  for (const auto* entry : order) {
    if (entry->begin != covered) {
      throw Error(
          ErrorKind::kInput, subject,
          fmt::format("tensor {}: {} at byte {} of the data", in_quotes(entry->name),
                      entry->begin < covered ? "overlaps another tensor" : "follows a hole", covered));
    }
    covered = entry->end;
  }
  if (covered != data_size) {
    throw Error(ErrorKind::kInput, subject,
                fmt::format("{} bytes at the end belong to no tensor", data_size - covered));
  }
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  refuse_other_formats(path);
  SafetensorsFile result;
  result.file_ = MappedFile::open(path);
  const std::string subject = path.string();
  const std::string_view text = result.file_->text();
  refuse_other_contents(subject, text);

  const auto refuse = [&](std::string message) {
    throw Error(ErrorKind::kInput, subject, std::move(message));
  };
  std::uint64_t header_size = 0;
  if (text.size() < sizeof header_size) {
    refuse(fmt::format("is not a safetensors file: it has only {} bytes", text.size()));
  }
  std::memcpy(&header_size, text.data(), sizeof header_size);
  if (header_size > kMaxHeader) {
    refuse(fmt::format("is not a safetensors file: a header of {} bytes (at most {} are allowed)",
                       header_size, kMaxHeader));
  }
  if (header_size > text.size() - sizeof header_size) {
    refuse(fmt::format("is truncated: a header of {} bytes in a file of {}", header_size, text.size()));
  }
  const std::string_view header = text.substr(sizeof header_size, header_size);
  if (!header.starts_with('{')) {
    refuse("is not a safetensors file: the header does not begin with '{'");
  }

  SafetensorsHeader parsed = parse_safetensors_header(header, subject);
  const auto data = result.file_->bytes().subspan(sizeof header_size + header_size);
  check_sizes(parsed.entries, data.size(), subject);
  check_coverage(parsed.entries, data.size(), subject);

  result.metadata_ = std::move(parsed.metadata);
  result.tensors_.reserve(parsed.entries.size());
  for (auto& entry : parsed.entries) {
    result.tensors_.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape),
                               data.subspan(entry.begin, entry.end - entry.begin)});
  }
  std::sort(result.tensors_.begin(), result.tensors_.end(),
            [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  return result;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorView& tensor, std::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorSpec> specs;
  specs.reserve(tensors.size());
  for (const TensorView& tensor : tensors) {
    if (byte_size(tensor.dtype, tensor.shape) != tensor.bytes.size()) {
      throw Error(ErrorKind::kInternal, path.string(),
                  fmt::format("tensor {}: {} bytes do not make {} [{}]", in_quotes(tensor.name),
                              tensor.bytes.size(), name_of(tensor.dtype), fmt::join(tensor.shape, ",")));
    }
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  const SafetensorsLayout layout = lay_out_safetensors(path.string(), specs, metadata);
  AtomicFile file(path);
  file.write(layout.head);
  for (const std::size_t index : layout.order) {
    file.write(tensors[index].bytes);
  }
  file.commit();
}

}  // namespace lore
