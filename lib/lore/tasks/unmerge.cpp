#include "lore/tasks/unmerge.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/formats/adapter_config.h"
#include "lore/formats/json_file.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Merged {
  std::string name;
  std::string sha256;
  double weight;
  double lora_alpha;
  bool use_rslora;
};

/// What lore_merge.json in the model's folder says was done to it.
struct Record {
  bool subtraction = false;
  std::vector<Merged> adapters;

  const Merged* find(const std::string& sha256) const {
    const auto found =
        std::find_if(adapters.begin(), adapters.end(), [&](const Merged& m) { return m.sha256 == sha256; });
    return found == adapters.end() ? nullptr : &*found;
  }
};

/// Nothing when there is no such file.
std::optional<Record> read_record(const fs::path& model) {
  const fs::path file = model / "lore_merge.json";
  if (!fs::is_directory(model) || !fs::exists(file)) {
    return std::nullopt;
  }
  const Json report = read_json_file(file);
  try {
    Record record{report.value("operation", "merge") == "subtract", {}};
    const Json parts = report.value("parts", Json());
    const Json list = parts.is_array() && !parts.empty() ? parts : Json::array({report.at("adapter")});
    for (const Json& part : list) {
      record.adapters.push_back({part.at("name"), part.at("sha256"), part.value("weight", 1.0),
                                 part.at("lora_alpha"), part.at("use_rslora")});
    }
    return record;
  } catch (const Json::exception&) {
    throw Error(ErrorKind::kInput, file.string(), "does not say which adapter was merged");
  }
}

/// Why the adapters are not in the model; empty when nothing speaks against it.
std::string contradiction(const fs::path& model, const TensorsDigest& digest,
                          std::span<const WeightedAdapter> adapters, std::span<const BaseBinding> bindings,
                          bool& confirmed) {
  for (const BaseBinding& binding : bindings) {
    if (binding.digest == digest) {
      return "is the base that the adapter was made on: the adapter is not merged into it";
    }
  }
  const std::optional<Record> record = read_record(model);
  if (!record) {
    return "";
  }
  for (const WeightedAdapter& adapter : adapters) {
    const std::string sha256 =
        digest_tensors({fs::path(adapter.folder) / "adapter_model.safetensors"}).sha256;
    const Merged* merged = record->find(sha256);
    if (record->subtraction) {
      if (merged != nullptr) {
        return fmt::format("has had {} taken out already, says its lore_merge.json", merged->name);
      }
      continue;
    }
    if (merged == nullptr) {
      const Merged& first = record->adapters.front();
      return fmt::format(
          "was merged with {} (SHA-256 {}), says its lore_merge.json; {} is another adapter (SHA-256 {})",
          first.name, first.sha256.substr(0, 16), adapter.folder, sha256.substr(0, 16));
    }
    std::vector<std::string> told_already;
    const PeftConfig config =
        read_adapter_config(fs::path(adapter.folder) / "adapter_config.json", told_already);
    if (merged->lora_alpha != config.lora_alpha || merged->use_rslora != config.use_rslora) {
      return fmt::format(
          "was merged with {} at lora_alpha {:g}{}, says its lore_merge.json, and not at lora_alpha {:g}{}",
          merged->name, merged->lora_alpha, merged->use_rslora ? " and rsLoRA" : "", config.lora_alpha,
          config.use_rslora ? " and rsLoRA" : "");
    }
    if (merged->weight != adapter.weight) {
      return fmt::format("was merged with {} times {}, says its lore_merge.json, and not {} times",
                         merged->weight, merged->name, adapter.weight);
    }
  }
  confirmed = !record->subtraction;
  return "";
}

}  // namespace

std::string check_merged_with(const fs::path& model, const TensorsDigest& digest,
                              std::span<const WeightedAdapter> adapters,
                              std::span<const BaseBinding> bindings, bool allow, Messages& messages) {
  bool confirmed = false;
  const std::string problem = contradiction(model, digest, adapters, bindings, confirmed);
  if (problem.empty()) {
    return confirmed ? "merged with it" : "not recorded";
  }
  if (!allow) {
    throw Error(ErrorKind::kRefused, model.string(),
                problem + "; give the merged model, or --allow-base-mismatch to subtract all the same");
  }
  messages.warning(
      fmt::format("{} {}; subtracting all the same (--allow-base-mismatch)", model.string(), problem));
  return "other model allowed";
}

}  // namespace lore
