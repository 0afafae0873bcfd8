#include "lore/tasks/importance_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/printable.h"
#include "lore/formats/gguf.h"
#include "lore/formats/gguf_writer.h"
#include "lore/nn/gguf_source.h"
#include "lore/nn/model_parameters.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";
/// Tokens that one "chunk" of llama.cpp has by default; the older form counts in chunks.
constexpr std::int64_t kChunk = 512;

[[noreturn]] void refuse(const fs::path& file, std::string message) {
  throw Error(ErrorKind::kInput, file.string(), std::move(message));
}

/// Takes numbers and texts off the front of the older form.
class Cursor {
 public:
  explicit Cursor(const fs::path& file)
      : file_(file), mapped_(MappedFile::open(file)), rest_(mapped_->text()) {}

  bool at_end() const { return rest_.empty(); }
  std::string_view take(std::int64_t size) {
    if (size < 0 || size > static_cast<std::int64_t>(rest_.size())) {
      refuse(file_, "ends in the middle of an entry: no importance matrix of llama.cpp, or damaged");
    }
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(static_cast<std::size_t>(size));
    return taken;
  }
  std::int32_t number() {
    std::int32_t value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

 private:
  const fs::path& file_;
  std::shared_ptr<const MappedFile> mapped_;
  std::string_view rest_;
};

/// By the names of GGUF's tensors: means of x^2.
using Means = std::map<std::string, std::vector<float>>;

std::vector<float> floats_of(std::string_view bytes, float factor) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  for (float& value : values) {
    value *= factor;
  }
  return values;
}

Means read_older(const fs::path& path, ImportanceFile& file) {
  Cursor cursor(path);
  Means means;
  const std::int32_t entries = cursor.number();
  for (std::int32_t entry = 0; entry < entries; ++entry) {
    const std::string name(cursor.take(cursor.number()));
    const std::int32_t calls = cursor.number();
    const auto bytes = static_cast<std::int64_t>(cursor.number()) * static_cast<std::int64_t>(sizeof(float));
    means[name] = floats_of(cursor.take(bytes), calls > 0 ? 1.0F / static_cast<float>(calls) : 1.0F);
    file.tokens = std::max(file.tokens, calls * kChunk);
  }
  if (!cursor.at_end()) {
    cursor.number();
    file.text = cursor.at_end() ? "" : std::string(cursor.take(cursor.number()));
  }
  return means;
}

Means read_gguf(const fs::path& path, ImportanceFile& file) {
  const GgufFile gguf = GgufFile::open(path);
  Means means;
  for (const GgufTensor& sums : gguf.tensors()) {
    if (!sums.name.ends_with(kSums)) {
      continue;
    }
    const std::string name = sums.name.substr(0, sums.name.size() - kSums.size());
    const GgufTensor* counts = gguf.find(name + std::string(kCounts));
    if (counts == nullptr || counts->type != GgmlType::kF32 || sums.type != GgmlType::kF32 ||
        counts->bytes.size() != sizeof(float)) {
      refuse(path, fmt::format("{}: sums without one count of tokens for them", in_quotes(name)));
    }
    float count;
    std::memcpy(&count, counts->bytes.data(), sizeof count);
    means[name] = floats_of({reinterpret_cast<const char*>(sums.bytes.data()), sums.bytes.size()},
                            count > 0 ? 1.0F / count : 1.0F);
    file.tokens = std::max(file.tokens, static_cast<std::int64_t>(count));
  }
  if (const auto* texts = gguf.strings("imatrix.datasets"); texts != nullptr && !texts->empty()) {
    file.text = texts->front();
  }
  return means;
}

bool is_gguf(const fs::path& path) { return MappedFile::open(path)->text().starts_with("GGUF"); }

}  // namespace

ImportanceFile read_importance(const fs::path& file, const LlamaConfig& config) {
  ImportanceFile result;
  const Means means = is_gguf(file) ? read_gguf(file, result) : read_older(file, result);
  std::map<std::string, LinearShape> linears;
  for (const LinearShape& linear : adaptable_linears(config)) {
    linears[gguf_tensor_name(linear.name + ".weight")] = linear;
  }
  for (const auto& [name, values] : means) {
    const auto linear = linears.find(name);
    if (linear == linears.end()) {
      refuse(file, fmt::format("has an entry {}, which is no matrix of this model", in_quotes(name)));
    }
    if (static_cast<std::int64_t>(values.size()) != linear->second.in) {
      refuse(file, fmt::format("{}: has {} columns, and the model's {}: it was made for another model",
                               in_quotes(name), values.size(), linear->second.in));
    }
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v) && v >= 0; })) {
      refuse(file, fmt::format("{}: holds values that are negative or not finite", in_quotes(name)));
    }
    result.importance.set(linear->second.name + ".weight", values);
  }
  if (result.importance.empty()) {
    refuse(file, "holds no entry: no importance matrix of llama.cpp");
  }
  return result;
}

void write_importance(const fs::path& file, const ImportanceFile& importance) {
  Means means;
  for (const auto& [name, columns] : importance.importance.all()) {
    means[gguf_tensor_name(name)] = columns;
  }
  const auto chunks = static_cast<std::int32_t>(std::max<std::int64_t>(1, importance.tokens / kChunk));
  if (file.extension() == ".dat") {
    std::string bytes;
    const auto number = [&](std::int32_t value) {
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    };
    const auto text = [&](const std::string& value) {
      number(static_cast<std::int32_t>(value.size()));
      bytes += value;
    };
    number(static_cast<std::int32_t>(means.size()));
    for (const auto& [name, columns] : means) {
      text(name);
      number(chunks);
      number(static_cast<std::int32_t>(columns.size()));
      for (const float value : columns) {
        const float sum = value * static_cast<float>(chunks);
        bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
      }
    }
    number(chunks);
    text(importance.text);
    write_file_atomically(file, bytes);
    return;
  }
  GgufMetadata metadata;
  metadata.text("general.type", "imatrix");
  metadata.texts("imatrix.datasets", std::span(&importance.text, 1));
  metadata.number("imatrix.chunk_count", static_cast<std::uint32_t>(chunks));
  metadata.number("imatrix.chunk_size", static_cast<std::uint32_t>(kChunk));
  std::vector<GgufTensorSpec> specs;
  for (const auto& [name, columns] : means) {
    specs.push_back(
        {name + std::string(kSums), GgmlType::kF32, {1, static_cast<std::int64_t>(columns.size())}});
    specs.push_back({name + std::string(kCounts), GgmlType::kF32, {1, 1}});
  }
  GgufWriter writer(file, metadata, specs);
  const auto count = static_cast<float>(importance.tokens);
  std::size_t place = 0;
  for (const auto& [name, columns] : means) {
    std::vector<float> sums(columns);
    for (float& sum : sums) {
      sum *= count;
    }
    writer.write(place++, 0, std::as_bytes(std::span(sums)));
    writer.write(place++, 0, std::as_bytes(std::span(&count, 1)));
  }
  writer.commit();
}

}  // namespace lore
