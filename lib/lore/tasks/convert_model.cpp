#include "lore/tasks/convert_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/checkpoint.h"
#include "lore/formats/json_file.h"
#include "lore/nn/llama_config_to_gguf.h"
#include "lore/tasks/gguf_tokenizer_files.h"
#include "lore/tasks/merge_stream.h"
#include "lore/tasks/merged_config.h"
#include "lore/tasks/model_files.h"
#include "lore/tasks/output_place.h"
#include "lore/tasks/tokenizer_agreement.h"
#include "lore/text/gguf_tokenizer.h"
#include "lore/text/gguf_vocabulary.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

GgmlType main_type(const Checkpoint& checkpoint) {
  std::map<DType, std::size_t> bytes;
  for (const TensorView& view : checkpoint.tensors()) {
    bytes[view.dtype] += view.bytes.size();
  }
  const auto most = std::max_element(bytes.begin(), bytes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most->first == DType::kF32   ? GgmlType::kF32
         : most->first == DType::kF16 ? GgmlType::kF16
                                      : GgmlType::kBF16;
}

GgmlType main_type(const GgufFile& file) {
  std::map<GgmlType, std::size_t> bytes;
  for (const GgufTensor& tensor : file.tensors()) {
    bytes[tensor.type] += tensor.bytes.size();
  }
  return std::max_element(bytes.begin(), bytes.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

/// The ids that end an answer, and BOS and PAD where the tokenizer names none: from the small files.
std::vector<std::int64_t> ids_of(const fs::path& folder, const char* key) {
  std::vector<std::int64_t> ids;
  for (const char* name : {"generation_config.json", "config.json"}) {
    if (!fs::exists(folder / name)) {
      continue;
    }
    const nlohmann::json config = read_json_file(folder / name);
    const nlohmann::json value = config.is_object() ? config.value(key, nlohmann::json()) : nlohmann::json();
    for (const nlohmann::json& id : value.is_array() ? value : nlohmann::json::array({value})) {
      if (id.is_number_integer()) {
        ids.push_back(id.get<std::int64_t>());
      }
    }
  }
  return ids;
}

void fill_missing(std::optional<std::int32_t>& id, const std::vector<std::int64_t>& ids,
                  const GgufVocabulary& vocabulary) {
  if (!id && !ids.empty() && ids.front() >= 0 &&
      ids.front() < static_cast<std::int64_t>(vocabulary.tokens.size())) {
    id = static_cast<std::int32_t>(ids.front());
  }
}

/// Reads the vocabulary back from a GGUF file that holds nothing else.
void check_vocabulary(const GgufVocabulary& vocabulary, const fs::path& model, const fs::path& scratch,
                      std::vector<std::string>& warnings) {
  GgufMetadata metadata;
  vocabulary.write(metadata);
  AtomicFolder folder(scratch / "lore-convert");
  const fs::path file = folder.staging() / "vocabulary.gguf";
  GgufWriter(file, metadata, {}).commit();
  const auto difference = tokenizer_difference(*load_tokenizer(model), *load_gguf_tokenizer(file));
  if (!difference) {
    return;
  }
  if (difference->plain) {
    throw Error(ErrorKind::kRefused, model.string(),
                fmt::format("its tokenizer cannot be written into a GGUF file: {} would get other ids",
                            in_quotes(difference->text)));
  }
  warnings.push_back(
      fmt::format("llama.cpp puts a space in front of every stretch of text, and so gives other ids than "
                  "this tokenizer for "
                  "leading spaces and after special tokens; the first text is {}",
                  in_quotes(difference->text)));
}

void describe_folder(const fs::path& folder, const std::string& name, const WeightSource& source,
                     const Environment& environment, GgufMetadata& metadata,
                     std::vector<std::string>& warnings) {
  write_gguf_config(source.config(), metadata, warnings);
  metadata.text("general.type", "model");
  metadata.text("general.name", name);
  if (const std::string licence = licence_of(folder); !licence.empty()) {
    metadata.text("general.license", licence);
  }
  const std::vector<std::int64_t> eos = ids_of(folder, "eos_token_id");
  GgufVocabulary vocabulary = read_gguf_vocabulary(folder, source.config().vocab_size, eos, warnings);
  check_vocabulary(vocabulary, folder, environment.temporary_dir, warnings);
  fill_missing(vocabulary.bos, ids_of(folder, "bos_token_id"), vocabulary);
  fill_missing(vocabulary.eos, eos, vocabulary);
  fill_missing(vocabulary.pad, ids_of(folder, "pad_token_id"), vocabulary);
  vocabulary.write(metadata);
}

void describe_gguf(const GgufFile& file, GgufMetadata& metadata) {
  constexpr std::array<std::string_view, 3> kOwn{"general.file_type", "general.quantization_version",
                                                 "general.alignment"};
  for (const std::string& key : file.keys()) {
    if (std::find(kOwn.begin(), kOwn.end(), key) == kOwn.end() && !key.starts_with("split.")) {
      metadata.copy(key, *file.value(key));
    }
  }
}

}  // namespace

GgmlType main_type(const fs::path& model) {
  return fs::is_directory(model) ? main_type(Checkpoint::open(model)) : main_type(GgufFile::open(model));
}

std::optional<Conversion> convert_to_gguf(const fs::path& model, const std::string& name,
                                          const GgufFormat* format, const fs::path& output,
                                          const Environment& environment, const GgufProgress& progress) {
  const std::unique_ptr<WeightSource> source = open_weights(model);
  const GgmlType own = main_type(model);
  if (!fs::is_directory(model) && (format == nullptr || format->type == own)) {
    throw Error(ErrorKind::kRefused, model.string(),
                fmt::format("is a GGUF file of type {} already; name another type, as --to gguf:{}",
                            name_of(own), own == GgmlType::kQ8_0 ? "f16" : "q8_0"));
  }
  format = format != nullptr ? format : &gguf_format_of(own);
  return write_gguf_model(*source, model, name, *format, Importance(), output, environment, progress);
}

std::optional<Conversion> write_gguf_model(const WeightSource& source, const fs::path& model,
                                           const std::string& name, const GgufFormat& format,
                                           const Importance& importance, const fs::path& output,
                                           const Environment& environment, const GgufProgress& progress) {
  Conversion result;
  result.what = "model";
  result.warnings = source.config().warnings;
  GgufMetadata metadata;
  if (fs::is_directory(model)) {
    describe_folder(model, name, source, environment, metadata, result.warnings);
  } else {
    describe_gguf(GgufFile::open(model), metadata);
  }
  metadata.number("general.file_type", format.file_type);
  if (is_quantized(format.type)) {
    metadata.number("general.quantization_version", std::uint32_t{2});
  }
  const GgufPlan plan = plan_gguf(source, format, !importance.empty());
  check_space(output, plan.bytes + metadata.bytes().size());
  GgufWriter writer(output, metadata, plan.specs());
  const std::function<bool()> stop = [&] { return *environment.signal != 0; };
  if (!write_gguf_tensors(plan, source, importance, writer, stop, progress)) {
    return std::nullopt;
  }
  writer.commit();
  result.type = format.label;
  result.tensors = plan.tensors.size();
  result.bytes = plan.bytes;
  result.fallbacks = plan.fallbacks;
  return result;
}

std::optional<Conversion> convert_to_hf(const fs::path& gguf, const std::string& dtype,
                                        std::uint64_t shard_bytes, const fs::path& output,
                                        const fs::path& folder, const Environment& environment) {
  MergeBase base = MergeBase::open(gguf);
  const StoredAdapter nothing = StoredAdapter::none();
  base.adapt(nothing);
  const MergePlan plan = plan_merge(base, nothing, dtype, shard_bytes);
  check_space(output, plan.bytes);
  Conversion result;
  result.what = "model";
  result.warnings = base.weights->config().warnings;
  const std::string_view name = config_name(plan.dtype);
  const nlohmann::ordered_json config = config_from_gguf(gguf, base.weights->config(), name, false);
  const std::function<bool()> stop = [&] { return *environment.signal != 0; };
  write_merged(plan, base, nothing, folder, stop);
  if (stop()) {
    return std::nullopt;
  }
  write_index(plan, folder);
  write_file_atomically(folder / "config.json", config.dump(2) + "\n");
  const TokenizerFiles files = write_gguf_tokenizer(gguf, folder);
  result.files = files.written;
  result.files.insert(result.files.begin(), "config.json");
  if (!files.missing.empty()) {
    result.warnings.push_back(files.missing);
  }
  result.type = name;
  result.tensors = plan.tensors.size();
  result.bytes = plan.bytes;
  return result;
}

}  // namespace lore
