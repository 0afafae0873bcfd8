#include "lore/formats/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/json_file.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

/// Tensor names by shard, as the index has them.
using ShardMap = std::map<std::string, std::vector<std::string>>;

ShardMap read_index(const fs::path& path) {
  const auto refuse = [&](std::string message) {
    throw Error(ErrorKind::kInput, path.string(), std::move(message));
  };
  const nlohmann::json index = read_json_file(path);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    refuse("has no \"weight_map\" object");
  }
  ShardMap shards;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    if (!file.is_string()) {
      refuse(fmt::format("weight_map: the file of {} is not a string", in_quotes(tensor)));
    }
    const auto& name = file.get_ref<const std::string&>();
    const bool plain = name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!plain || !name.ends_with(".safetensors")) {
      refuse(fmt::format("weight_map: {} is not the name of a .safetensors file in this folder",
                         in_quotes(name)));
    }
    shards[name].push_back(tensor);
  }
  if (shards.empty()) {
    refuse("weight_map is empty");
  }
  return shards;
}

void check_shard(const SafetensorsFile& shard, const std::vector<std::string>& expected) {
  const auto refuse = [&](std::string message) {
    throw Error(ErrorKind::kInput, shard.file()->path().string(), std::move(message));
  };
  for (const std::string& name : expected) {
    if (shard.find(name) == nullptr) {
      refuse(fmt::format("the tensor {} is missing, which {} places here", in_quotes(name), kIndex));
    }
  }
  for (const TensorView& tensor : shard.tensors()) {
    if (!std::binary_search(expected.begin(), expected.end(), tensor.name)) {
      refuse(
          fmt::format("holds the tensor {}, which {} does not place here", in_quotes(tensor.name), kIndex));
    }
  }
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  for (const char* pickle : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (fs::exists(folder / pickle)) {
      throw Error(
          ErrorKind::kInput, folder.string(),
          fmt::format(
              "has its weights only in {}, a pickle, which can run code when it is read, so Lore never "
              "opens one. Convert it where you trust the file, for instance with transformers: "
              "AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER, "
              "safe_serialization=True)",
              pickle));
    }
  }
  throw Error(ErrorKind::kInput, folder.string(),
              fmt::format("has neither {} nor {}; give a folder with a model's weights", kSingle, kIndex));
}

}  // namespace

Checkpoint Checkpoint::open(const fs::path& folder) {
  Checkpoint result;
  if (fs::exists(folder / kSingle)) {
    result.add(SafetensorsFile::open(folder / kSingle));
  } else if (fs::exists(folder / kIndex)) {
    const ShardMap shards = read_index(folder / kIndex);
    std::vector<std::string> missing;
    for (const auto& [name, tensors] : shards) {
      if (!fs::exists(folder / name)) {
        missing.push_back(printable(name));
      }
    }
    if (!missing.empty()) {
      throw Error(ErrorKind::kInput, folder.string(),
                  fmt::format("{} of {} weight files are missing: {} (an unfinished download?)",
                              missing.size(), shards.size(), fmt::join(missing, ", ")));
    }
    for (const auto& [name, tensors] : shards) {
      const SafetensorsFile shard = SafetensorsFile::open(folder / name);
      check_shard(shard, tensors);
      result.add(shard);
    }
  } else {
    refuse_folder(folder);
  }
  std::sort(result.tensors_.begin(), result.tensors_.end(),
            [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  return result;
}

void Checkpoint::add(const SafetensorsFile& file) {
  for (const TensorView& tensor : file.tensors()) {
    total_bytes_ += static_cast<std::int64_t>(tensor.bytes.size());
    owner_.emplace(tensor.name, files_.size());
    tensors_.push_back(tensor);
  }
  files_.push_back(file.file());
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorView& tensor, std::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  names.reserve(tensors_.size());
  for (const TensorView& tensor : tensors_) {
    names.push_back(tensor.name);
  }
  return names;
}

std::vector<fs::path> Checkpoint::files() const {
  std::vector<fs::path> paths;
  paths.reserve(files_.size());
  for (const auto& file : files_) {
    paths.push_back(file->path());
  }
  return paths;
}

std::shared_ptr<const MappedFile> Checkpoint::file_of(const TensorView& view) const {
  const auto found = owner_.find(view.name);
  if (found == owner_.end()) {
    throw Error(ErrorKind::kInternal, view.name, "is not a tensor of this checkpoint");
  }
  return files_[found->second];
}

}  // namespace lore
