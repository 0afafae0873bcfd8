#include "lore/adapters/peft_files.h"

#include <fmt/format.h>

#include <set>

#include "lore/adapters/base_initialization.h"
#include "lore/adapters/module_matching.h"
#include "lore/adapters/stored_adapter.h"
#include "lore/formats/safetensors.h"

namespace lore {
namespace {

constexpr const char* kConfigName = "adapter_config.json";
constexpr const char* kWeightsName = "adapter_model.safetensors";

/// `all-linear` is written as the leaf names it stands for, as PEFT writes it.
PeftConfig config_to_write(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  PeftConfig config = adapter.config;
  const auto* target = std::get_if<std::string>(&config.target_modules);
  if ((target != nullptr && is_all_linear(*target)) ||
      std::holds_alternative<std::monostate>(config.target_modules)) {
    std::set<std::string> leaves;
    for (const std::size_t linear : adapter.weights.linears()) {
      const std::string& name = model.linears()[linear]->name;
      leaves.insert(name.substr(name.rfind('.') + 1));
    }
    config.target_modules = std::vector<std::string>(leaves.begin(), leaves.end());
  }
  return config;
}

}  // namespace

LoraAdapter load_peft_adapter(const std::filesystem::path& folder, const LlamaForCausalLm& model,
                              std::vector<std::string>& warnings) {
  std::vector<LinearShape> linears;
  for (const Linear* linear : model.linears()) {
    linears.push_back({linear->name, linear->weight.out_features(), linear->weight.in_features()});
  }
  const WeightOf weight_of = [&](std::size_t linear) { return model.linears()[linear]->weight.dense(); };
  const StoredAdapter stored = StoredAdapter::open(folder, linears, warnings, weight_of);
  LoraAdapter adapter{stored.config(), AdapterSet(linears.size())};
  for (const StoredLowRank& module : stored.modules()) {
    LowRank low_rank = stored.read(module);
    low_rank.a = low_rank.a.to(model.device());
    low_rank.b = low_rank.b.to(model.device());
    if (low_rank.is_dora()) {
      low_rank.magnitude = low_rank.magnitude.to(model.device());
    }
    adapter.weights.set(module.linear, std::move(low_rank));
  }
  adapter.weights.refresh(model.dtype(), model.linears());
  return adapter;
}

void save_peft_adapter(const std::filesystem::path& folder, const LoraAdapter& trained,
                       const LlamaForCausalLm& model) {
  const LoraAdapter adapter = to_plain_lora(trained);
  std::vector<TensorView> views;
  std::vector<at::Tensor> on_cpu;  // keeps the bytes of the views alive
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    on_cpu.push_back(tensor.cpu().contiguous());
    const at::Tensor& bytes = on_cpu.back();
    views.push_back(
        {name, DType::kF32, bytes.sizes().vec(),
         std::as_bytes(std::span(bytes.data_ptr<float>(), static_cast<std::size_t>(bytes.numel())))});
  };
  for (const std::size_t linear : adapter.weights.linears()) {
    const LowRank& low_rank = *adapter.weights.find(linear);
    const std::string module = "base_model.model." + model.linears()[linear]->name;
    add(module + ".lora_A.weight", low_rank.a);
    add(module + ".lora_B.weight", low_rank.b);
    if (low_rank.is_dora()) {
      add(module + ".lora_magnitude_vector", low_rank.magnitude);
    }
  }
  write_safetensors(folder / kWeightsName, views, {{"format", "pt"}});
  write_adapter_config(folder / kConfigName, config_to_write(adapter, model));
}

}  // namespace lore
