#include "lore/adapters/lora.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "lore/adapters/module_matching.h"
#include "lore/core/philox.h"

namespace lore {
namespace {

/// Philox stream numbers below this one are left to other uses of the seed.
constexpr std::uint64_t kInitStreams = std::uint64_t{1} << 32;

at::Tensor initial_a(std::int64_t rank, std::int64_t in, bool gaussian, std::uint64_t seed,
                     std::size_t linear) {
  at::Tensor a = at::empty({rank, in}, at::kFloat);
  PhiloxStream random(seed, kInitStreams + linear);
  const float bound = 1.0F / std::sqrt(static_cast<float>(in));
  float* value = a.data_ptr<float>();
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    value[i] =
        gaussian ? random.normal() / static_cast<float>(rank) : (2.0F * random.uniform() - 1.0F) * bound;
  }
  return a;
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
  config.use_rslora = spec.use_rslora;
  config.init_lora_weights = spec.init_lora_weights;
  return config;
}

std::vector<std::string> linear_names(const LlamaForCausalLm& model) {
  std::vector<std::string> names;
  names.reserve(model.linears().size());
  for (const Linear* linear : model.linears()) {
    names.push_back(linear->name);
  }
  return names;
}

LoraAdapter create_lora(const PeftConfig& config, const LlamaForCausalLm& model, std::uint64_t seed) {
  LoraAdapter adapter{config, AdapterSet(model.linears().size())};
  const bool gaussian = std::holds_alternative<std::string>(config.init_lora_weights);
  for (const MatchedModule& module : match_modules(config, linear_names(model))) {
    const BaseWeight& weight = model.linears()[module.linear]->weight;
    LowRank low_rank;
    low_rank.a =
        initial_a(module.rank, weight.in_features(), gaussian, seed, module.linear).to(model.device());
    low_rank.b =
        at::zeros({weight.out_features(), module.rank}, at::TensorOptions(at::kFloat).device(model.device()));
    low_rank.scale = module.scale;
    low_rank.dropout = config.lora_dropout;
    adapter.weights.set(module.linear, std::move(low_rank));
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

std::string describe_modules(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  std::vector<std::string> names;
  names.reserve(model.linears().size());
  for (const std::size_t linear : adapter.weights.linears()) {
    names.push_back(model.linears()[linear]->name);
  }
  return describe_modules(names);
}

}  // namespace lore
