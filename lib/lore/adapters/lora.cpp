#include "lore/adapters/lora.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "lore/adapters/trained_parts.h"
#include "lore/core/philox.h"

namespace lore {
namespace {

/// Philox stream numbers below this one are left to other uses of the seed.
constexpr std::uint64_t kInitStreams = std::uint64_t{1} << 32;

enum class InitialA { kKaiming, kGaussian, kStandardNormal };

at::Tensor initial_a(std::int64_t rank, std::int64_t in, InitialA init, std::uint64_t seed,
                     std::size_t linear) {
  at::Tensor a = at::empty({rank, in}, at::kFloat);
  PhiloxStream random(seed, kInitStreams + linear);
  const float bound = 1.0F / std::sqrt(static_cast<float>(in));
  float* value = a.data_ptr<float>();
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    switch (init) {
      case InitialA::kKaiming:
        value[i] = (2.0F * random.uniform() - 1.0F) * bound;
        break;
      case InitialA::kGaussian:
        value[i] = random.normal() / static_cast<float>(rank);
        break;
      case InitialA::kStandardNormal:
        value[i] = random.normal();
        break;
    }
  }
  return a;
}

std::vector<std::string> adapted_names(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  const std::vector<std::string> modules = adaptable_names(model.config());
  std::vector<std::string> names;
  for (const std::size_t module : adapter.weights.linears()) {
    names.push_back(modules[module]);
  }
  return names;
}

}  // namespace

PeftConfig peft_config(const AdapterSpec& spec) {
  PeftConfig config;
  config.task_type = spec.task_type;
  config.base_model_name_or_path = spec.base_model_name_or_path;
  config.r = spec.r;
  config.lora_alpha = spec.lora_alpha;
  config.lora_dropout = spec.lora_dropout;
  std::visit([&](const auto& modules) { config.target_modules = modules; }, spec.target_modules);
  if (spec.exclude_modules) {
    std::visit([&](const auto& modules) { config.exclude_modules = modules; }, *spec.exclude_modules);
  }
  if (!spec.layers_to_transform.empty()) {
    config.layers_to_transform = spec.layers_to_transform;
  }
  config.layers_pattern = spec.layers_pattern;
  config.rank_pattern = spec.rank_pattern;
  config.alpha_pattern = spec.alpha_pattern;
  config.bias = spec.bias;
  config.modules_to_save = spec.modules_to_save;
  config.use_rslora = spec.use_rslora;
  config.init_lora_weights = spec.init_lora_weights;
  return config;
}

std::vector<std::string> adaptable_names(const LlamaConfig& config) {
  std::vector<std::string> names;
  for (LinearShape& module : adaptable_modules(config)) {
    names.push_back(std::move(module.name));
  }
  return names;
}

LoraAdapter create_lora(const PeftConfig& config, const LlamaForCausalLm& model, std::uint64_t seed) {
  const std::vector<LinearShape> modules = adaptable_modules(model.config());
  LoraAdapter adapter{config, AdapterSet(modules.size())};
  const InitialA init = std::holds_alternative<std::string>(config.init_lora_weights) ? InitialA::kGaussian
                                                                                      : InitialA::kKaiming;
  std::vector<std::string> adapted;
  for (const MatchedModule& module : match_modules(config, adaptable_names(model.config()))) {
    const LinearShape& shape = modules[module.linear];
    const bool embeds = shape.name == kEmbeddingModule;
    LowRank low_rank;
    low_rank.a =
        initial_a(module.rank, shape.in, embeds ? InitialA::kStandardNormal : init, seed, module.linear)
            .to(model.device());
    low_rank.b = at::zeros({shape.out, module.rank}, at::TensorOptions(at::kFloat).device(model.device()));
    low_rank.scale = module.scale;
    low_rank.dropout = config.lora_dropout;
    adapter.weights.set(module.linear, std::move(low_rank));
    adapted.push_back(shape.name);
  }
  for (const TrainedPart& part : trained_parts(config, model.config(), adapted)) {
    // A copy: the base's own may be a read-only file.
    adapter.weights.full().add(part.parameter.name,
                               model.parameter(part.parameter.name).to(at::kFloat, false, /*copy=*/true));
  }
  adapter.weights.refresh(model.dtype());
  return adapter;
}

std::string describe_modules(std::span<const std::string> names) {
  std::map<std::string, int> counts;
  for (const std::string& name : names) {
    ++counts[name.substr(name.rfind('.') + 1)];
  }
  std::string text;
  for (const auto& [leaf, count] : counts) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", leaf, count);
  }
  return text;
}

std::string describe_full(std::span<const std::string> parameters) {
  std::map<std::string, int> whole;
  std::set<std::string> modules;
  for (const std::string& parameter : parameters) {
    if (parameter.ends_with(".weight")) {
      const std::string module = parameter.substr(0, parameter.rfind('.'));
      ++whole[module.substr(module.rfind('.') + 1)];
      modules.insert(module);
    }
  }
  // The bias of a module that is trained whole counts with the module.
  const auto biases = std::count_if(parameters.begin(), parameters.end(), [&](const std::string& parameter) {
    return parameter.ends_with(".bias") && !modules.contains(parameter.substr(0, parameter.rfind('.')));
  });
  std::string text;
  for (const auto& [leaf, count] : whole) {
    text += fmt::format("{}{}{}", text.empty() ? "; full: " : ", ", leaf,
                        count > 1 ? fmt::format(" x {}", count) : "");
  }
  return biases > 0 ? fmt::format("{}; bias x {}", text, biases) : text;
}

std::string describe_modules(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  std::vector<std::string> full;
  for (const FullParameter& parameter : adapter.weights.full().list()) {
    full.push_back(parameter.name);
  }
  return describe_modules(adapted_names(adapter, model)) + describe_full(full);
}

std::vector<std::string> adapter_warnings(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  return trained_part_warnings(adapter.config, model.config(), adapted_names(adapter, model));
}

}  // namespace lore
