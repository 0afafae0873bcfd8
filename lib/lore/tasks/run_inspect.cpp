#include "lore/tasks/run_inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "lore/core/error.h"
#include "lore/corpus/container.h"
#include "lore/formats/hf_cache.h"
#include "lore/recipe/paths.h"
#include "lore/tasks/inspect_adapter.h"
#include "lore/tasks/inspect_difference.h"
#include "lore/tasks/inspect_model.h"
#include "lore/tasks/inspect_run.h"
#include "lore/tasks/inspect_text.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

enum class Kind { kAdapter, kRun, kModel, kGguf, kTokenizer, kSafetensors, kData };

/// Something on disk, and what it is taken for.
struct Subject {
  Kind kind;
  fs::path path;
};

bool holds_any(const fs::path& folder, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return fs::exists(folder / name); });
}

bool has_data(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry :
       fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error)) {
    if (entry.is_regular_file(error) && is_data_name(entry.path().filename().string())) {
      return true;
    }
  }
  return false;
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".gguf") {
      throw Error(ErrorKind::kInput, folder.string(),
                  fmt::format("holds {}; give that file", entry.path().filename().string()));
    }
  }
  throw Error(
      ErrorKind::kInput, folder.string(),
      fmt::format(
          "{}; looked for an adapter (adapter_config.json), a run (run.json, metrics.jsonl), a model "
          "(config.json, model.safetensors), a tokenizer (tokenizer.json, tokenizer.model) and data files "
          "(.jsonl, .json, .csv, .tsv, .txt, .md, .tbx)",
          fs::is_empty(folder) ? "is empty" : "is nothing that is known"));
}

Subject folder_subject(const fs::path& folder) {
  if (holds_any(folder, {"adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"})) {
    return {Kind::kAdapter, folder};
  }
  if (holds_any(folder, {"run.json", "metrics.jsonl"})) {
    return {Kind::kRun, folder};
  }
  if (holds_any(folder, {"config.json", "model.safetensors", "model.safetensors.index.json",
                         "pytorch_model.bin", "pytorch_model.bin.index.json"})) {
    return {Kind::kModel, folder};
  }
  if (holds_any(folder, {"tokenizer.json", "tokenizer.model"})) {
    return {Kind::kTokenizer, folder};
  }
  if (!has_data(folder)) {
    refuse_folder(folder);
  }
  return {Kind::kData, folder};
}

Subject file_subject(const fs::path& file) {
  const std::string name = file.filename().string();
  const std::string extension = file.extension().string();
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (name == "adapter_config.json" || name == "adapter_model.safetensors" || name == "adapter_model.bin") {
    return {Kind::kAdapter, folder};
  }
  if (name == "config.json" || name == "model.safetensors.index.json" ||
      (name == "model.safetensors" && fs::exists(folder / "config.json"))) {
    return {Kind::kModel, folder};
  }
  if (name == "run.json" || name == "metrics.jsonl") {
    return {Kind::kRun, folder};
  }
  if (name == "tokenizer.json" || name == "tokenizer.model") {
    return {Kind::kTokenizer, file};
  }
  if (extension == ".gguf") {
    return {Kind::kGguf, file};
  }
  if (extension == ".safetensors") {
    return {Kind::kSafetensors, file};
  }
  if (extension == ".yaml" || extension == ".yml") {
    throw Error(ErrorKind::kInput, file.string(), "looks like a recipe: `lore recipe check` reads it");
  }
  if (!is_data_name(name)) {
    throw Error(ErrorKind::kInput, file.string(),
                "is nothing that is known by its name; looked for a model (.gguf, .safetensors), a tokenizer "
                "(tokenizer.json, tokenizer.model) and data (.jsonl, .json, .csv, .tsv, .txt, .md, .tbx)");
  }
  return {Kind::kData, file};
}

Subject find_subject(const std::string& path, const Environment& environment) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    if (is_hub_id(path) && path.find('/') != std::string::npos) {
      return {Kind::kModel, find_model(path, fs::current_path(), environment.cache_roots)};
    }
    throw Error(ErrorKind::kInput, path, "does not exist");
  }
  if (fs::is_directory(path)) {
    return folder_subject(path);
  }
  if (!fs::is_regular_file(path)) {
    throw Error(ErrorKind::kInput, path, "is neither a file nor a folder");
  }
  return file_subject(path);
}

bool is_model(Kind kind) { return kind == Kind::kModel || kind == Kind::kGguf; }

}  // namespace

Inspection run_inspect(const InspectRequest& request, const Environment& environment) {
  const Subject subject = find_subject(request.path, environment);
  if (!request.base.empty() && subject.kind != Kind::kAdapter) {
    throw Error(ErrorKind::kUsage, "--base",
                fmt::format("goes with an adapter, and {} is none", request.path));
  }
  switch (subject.kind) {
    case Kind::kAdapter:
      return inspect_adapter(subject.path, request.base, environment);
    case Kind::kRun:
      return inspect_run(subject.path, environment);
    case Kind::kModel:
      return inspect_checkpoint(subject.path, request.deep, environment);
    case Kind::kGguf:
      return inspect_gguf(subject.path, request.deep, environment);
    case Kind::kTokenizer:
      return inspect_tokenizer(subject.path);
    case Kind::kSafetensors:
      return inspect_safetensors(subject.path, request.deep, environment);
    case Kind::kData:
      return inspect_data(subject.path, environment);
  }
  throw Error(ErrorKind::kInternal, request.path, "is of no kind");
}

Inspection run_inspect_difference(const std::string& a, const std::string& b,
                                  const Environment& environment) {
  const Subject left = find_subject(a, environment);
  const Subject right = find_subject(b, environment);
  if (left.kind == Kind::kAdapter && right.kind == Kind::kAdapter) {
    return compare_adapters(left.path, right.path);
  }
  if (is_model(left.kind) && is_model(right.kind)) {
    return compare_models(left.path, right.path, environment);
  }
  throw Error(ErrorKind::kUsage, "--diff", "compares two adapters or two models");
}

}  // namespace lore
