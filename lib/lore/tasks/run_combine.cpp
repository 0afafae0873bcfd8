#include "lore/tasks/run_combine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"
#include "lore/formats/json_file.h"
#include "lore/tasks/output_place.h"
#include "lore/tasks/provenance.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kManifestName = "lore_manifest.json";

Combination checked(const CombineRequest& request) {
  const std::string method(name_of(request.method));
  const auto refuse = [](const char* option, const std::string& message) {
    throw Error(ErrorKind::kUsage, option, message);
  };
  if (request.adapters.empty()) {
    refuse("--adapter", "at least one adapter is needed");
  }
  for (const WeightedAdapter& adapter : request.adapters) {
    if (!std::isfinite(adapter.weight)) {
      refuse("--weight", "must be a finite number");
    }
  }
  if (prunes(request.method) && !request.density) {
    refuse("--density",
           fmt::format("is needed by {}: the share of the elements to keep, such as 0.5", method));
  }
  if (!prunes(request.method) && request.density) {
    refuse("--density", fmt::format("has no meaning for {}, which keeps every element", method));
  }
  if (request.density && !(*request.density > 0 && *request.density <= 1)) {
    refuse("--density", fmt::format("must be above 0 and at most 1, got {}", *request.density));
  }
  if (!elects_signs(request.method) && request.sign_by_count) {
    refuse("--majority-sign", fmt::format("has no meaning for {}, which elects no signs", method));
  }
  if (!is_svd(request.method) && request.rank) {
    refuse("--rank",
           fmt::format("has no meaning for {}, whose rank follows from the adapters'; use svd or another "
                       "method that ends in _svd",
                       method));
  }
  return {request.method, request.density.value_or(1), request.sign_by_count.value_or(false), request.seed};
}

Json combination_json(const Combination& combination, const CombinedAdapter& combined) {
  Json json{{"method", name_of(combination.method)}};
  if (prunes(combination.method)) {
    json["density"] = combination.density;
  }
  if (elects_signs(combination.method)) {
    json["majority_sign"] = combination.sign_by_count ? "frequency" : "total";
  }
  if (name_of(combination.method).starts_with("dare")) {
    json["seed"] = combination.seed;
  }
  json["relative_error"] = combined.statistics.relative_error;
  return json;
}

/// The hashes of tokenizer and template, where all manifests have the same.
void carry_common_hashes(const AdapterGroup& group, Json& hashes) {
  for (const char* key : {"tokenizer_sha256", "chat_template_sha256"}) {
    std::optional<nlohmann::json> common;
    bool agree = true;
    for (const AdapterGroup::Part& part : group.parts) {
      const fs::path file = fs::path(part.folder) / kManifestName;
      const nlohmann::json manifest = fs::exists(file) ? read_json_file(file) : nlohmann::json();
      const auto found = manifest.is_object() ? manifest.find("hashes") : manifest.end();
      const nlohmann::json value = found != manifest.end() && found->is_object() && found->contains(key)
                                       ? found->at(key)
                                       : nlohmann::json();
      agree = agree && value.is_string() && value == common.value_or(value);
      common = value;
    }
    if (agree) {
      hashes[key] = *common;
    }
  }
}

Json manifest_of(const AdapterGroup& group, const std::optional<BaseBinding>& binding,
                 const Combination& combination, const CombinedAdapter& combined) {
  Json hashes;
  hashes["base"] = binding ? Json{{"name", binding->name},
                                  {"sha256", binding->digest.sha256},
                                  {"tensors", binding->digest.tensors},
                                  {"bytes", binding->digest.bytes}}
                           : Json{{"name", combined.config.base_model_name_or_path}};
  carry_common_hashes(group, hashes);
  Json made = combination_json(combination, combined);
  made["adapters"] = parts_json(group);
  return {{"format", 1}, {"made_by", Provenance::versions()}, {"hashes", hashes}, {"combination", made}};
}

std::string model_card(const AdapterGroup& group, const Combination& combination,
                       const CombinedAdapter& combined) {
  const PeftConfig& config = combined.config;
  std::string card = "---\nlibrary_name: peft\n";
  if (!config.base_model_name_or_path.empty()) {
    card += fmt::format("base_model: {}\n", Json(config.base_model_name_or_path).dump());
  }
  card += "tags:\n- lora\n---\n\n# Combined LoRA adapter\n\n";
  card += fmt::format(
      "Made by Lore of {} adapter(s) by the method `{}`.\n\n| adapter | weight | update norm |\n"
      "|---|---|---|\n",
      group.parts.size(), name_of(combination.method));
  for (std::size_t i = 0; i < group.parts.size(); ++i) {
    card += fmt::format("| {} | {:g} | {:.4g} |\n", group.parts[i].name, group.parts[i].weight,
                        combined.statistics.norms[i]);
  }
  card += fmt::format("\n| | |\n|---|---|\n| rank | {} |\n| modules | {} |\n| parameters | {} |\n", config.r,
                      combined.modules, combined.parameters);
  card += fmt::format("| relative error against the exact weighted sum | {:.3g} |\n",
                      combined.statistics.relative_error);
  card += "\n`lore_manifest.json` holds the SHA-256 of the adapters and of the base they were made on.\n";
  return card;
}

/// Warns of base names that differ where hashes cannot tell.
void compare_base_names(const AdapterGroup& group, std::vector<std::string>& warnings) {
  const std::string& first = group.parts.front().adapter.config().base_model_name_or_path;
  for (const AdapterGroup::Part& part : group.parts) {
    const std::string& name = part.adapter.config().base_model_name_or_path;
    if (name != first && !(part.binding && group.parts.front().binding)) {
      warnings.push_back(fmt::format("{} says its base is \"{}\", {} says \"{}\"", part.folder, name,
                                     group.parts.front().folder, first));
    }
  }
}

}  // namespace

std::optional<CombineOutcome> run_combine(const CombineRequest& request, const Environment& environment,
                                          Messages& messages, const ModuleProgress& progress) {
  const auto start = std::chrono::steady_clock::now();
  CombineOutcome outcome;
  outcome.combination = checked(request);
  outcome.folder = tidy_output(request.output);
  std::vector<fs::path> inputs;
  for (const WeightedAdapter& adapter : request.adapters) {
    inputs.emplace_back(adapter.folder);
  }
  check_output(outcome.folder, inputs, {request.overwrite, "adapter_config.json", "an adapter"});
  std::vector<std::string> warnings;
  const AdapterGroup group = AdapterGroup::open(request.adapters, {}, warnings);
  const std::optional<BaseBinding> binding = common_binding(group, request.allow_base_mismatch, warnings);
  compare_base_names(group, warnings);
  for (const std::string& warning : warnings) {
    messages.warning(warning);
  }
  AtomicFolder folder(outcome.folder);
  const ModuleProgress step = [&](std::size_t module, std::size_t modules) {
    return *environment.signal == 0 && progress(module, modules);
  };
  std::optional<CombinedAdapter> combined =
      write_combination(group, outcome.combination, request.rank.value_or(0), folder.staging(), step);
  if (!combined) {
    return std::nullopt;
  }
  outcome.combined = std::move(*combined);
  for (const AdapterGroup::Part& part : group.parts) {
    outcome.names.push_back(part.name);
  }
  outcome.base = binding ? binding->name : "";
  const Json manifest = manifest_of(group, binding, outcome.combination, outcome.combined);
  write_file_atomically(folder.staging() / kManifestName, manifest.dump(2) + "\n");
  write_file_atomically(folder.staging() / "README.md",
                        model_card(group, outcome.combination, outcome.combined));
  folder.commit();
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

Json to_json(const CombineOutcome& outcome, const CombineRequest& request) {
  const CombinationStatistics& statistics = outcome.combined.statistics;
  Json json = combination_json(outcome.combination, outcome.combined);
  json["rank"] = outcome.combined.config.r;
  json["modules"] = outcome.combined.modules;
  json["parameters"] = outcome.combined.parameters;
  json["adapters"] = Json::array();
  for (std::size_t i = 0; i < outcome.names.size(); ++i) {
    json["adapters"].push_back({{"name", outcome.names[i]},
                                {"weight", request.adapters[i].weight},
                                {"update_norm", statistics.norms[i]}});
  }
  json["cosines"] = statistics.cosines;
  json["sum_norm"] = statistics.sum_norm;
  json["result_norm"] = statistics.result_norm;
  json["base"] = outcome.base.empty() ? Json() : Json(outcome.base);
  json["output"] = outcome.folder.string();
  json["seconds"] = outcome.seconds;
  return json;
}

}  // namespace lore
