#include "lore/tasks/adapter_targets.h"

#include <algorithm>
#include <map>
#include <set>

#include "lore/adapters/adapter_writer.h"
#include "lore/adapters/module_matching.h"

namespace lore {
namespace {

std::string leaf_of(const std::string& module) { return module.substr(module.rfind('.') + 1); }

bool matches_exactly(const PeftConfig& config, const std::set<std::string>& wanted,
                     const std::vector<std::string>& linears) {
  std::set<std::string> matched;
  for (const MatchedModule& module : match_modules(config, linears)) {
    matched.insert(linears[module.linear]);
  }
  return matched == wanted;
}

/// The value that most modules have.
template <typename Value>
Value usual(const std::map<Value, std::size_t>& counts) {
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace

std::int64_t layer_of(const std::string& module) {
  constexpr std::string_view kPrefix = "model.layers.";
  return module.starts_with(kPrefix) ? std::stoll(module.substr(kPrefix.size())) : -1;
}

PeftConfig targets_of(const std::vector<PlainLora>& modules, std::span<const std::string> linears) {
  PeftConfig config;
  config.task_type = "CAUSAL_LM";
  std::set<std::string> leaves;
  std::set<std::string> names;
  std::set<std::int64_t> layers;
  for (const PlainLora& module : modules) {
    leaves.insert(leaf_of(module.module));
    names.insert(module.module);
    layers.insert(layer_of(module.module));
  }
  const std::vector<std::string> all(linears.begin(), linears.end());
  config.target_modules = std::vector<std::string>(leaves.begin(), leaves.end());
  if (matches_exactly(config, names, all)) {
    return config;
  }
  if (!layers.contains(-1)) {
    config.layers_to_transform = std::vector<std::int64_t>(layers.begin(), layers.end());
    if (matches_exactly(config, names, all)) {
      return config;
    }
    config.layers_to_transform.reset();
  }
  config.target_modules = std::vector<std::string>(names.begin(), names.end());
  return config;
}

void describe_ranks(PeftConfig& config, const std::vector<PlainLora>& modules) {
  std::map<std::int64_t, std::size_t> ranks;
  std::map<double, std::size_t> alphas;
  const auto alpha_of = [](const PlainLora& module) {
    return module.scale * static_cast<double>(module.a.size(0));
  };
  for (const PlainLora& module : modules) {
    ++ranks[module.a.size(0)];
    ++alphas[alpha_of(module)];
  }
  config.r = usual(ranks);
  config.lora_alpha = usual(alphas);
  for (const PlainLora& module : modules) {
    if (module.a.size(0) != config.r) {
      config.rank_pattern.emplace_back(module.module, module.a.size(0));
    }
    if (alpha_of(module) != config.lora_alpha) {
      config.alpha_pattern.emplace_back(module.module, alpha_of(module));
    }
  }
}

void write_plain_lora(const std::filesystem::path& folder, const PeftConfig& config,
                      const std::vector<PlainLora>& modules) {
  std::vector<AdapterWriter::Module> layout;
  layout.reserve(modules.size());
  for (const PlainLora& module : modules) {
    layout.push_back({{module.module, module.b.size(0), module.a.size(1)}, module.a.size(0)});
  }
  AdapterWriter writer(folder, config, layout);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    LowRank low_rank;
    low_rank.a = modules[i].a;
    low_rank.b = modules[i].b;
    writer.write(i, low_rank);
  }
  writer.finish();
}

}  // namespace lore
