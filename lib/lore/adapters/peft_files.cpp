#include "lore/adapters/peft_files.h"

#include <fmt/format.h>

#include <set>

#include "lore/adapters/module_matching.h"
#include "lore/adapters/stored_adapter.h"
#include "lore/formats/safetensors.h"

namespace lore {
namespace {

constexpr const char* kConfigName = "adapter_config.json";
constexpr const char* kWeightsName = "adapter_model.safetensors";

std::string tensor_name(const std::string& module, const char* matrix) {
  return fmt::format("base_model.model.{}.{}.weight", module, matrix);
}

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
  const StoredAdapter stored = StoredAdapter::open(folder, linears, warnings);
  LoraAdapter adapter{stored.config(), AdapterSet(linears.size())};
  for (const StoredLowRank& module : stored.modules()) {
    LowRank low_rank = stored.read(module);
    low_rank.a = low_rank.a.to(model.device());
    low_rank.b = low_rank.b.to(model.device());
    adapter.weights.set(module.linear, std::move(low_rank));
  }
  adapter.weights.refresh(model.dtype());
  return adapter;
}

void save_peft_adapter(const std::filesystem::path& folder, const LoraAdapter& adapter,
                       const LlamaForCausalLm& model) {
  std::vector<TensorView> views;
  std::vector<at::Tensor> on_cpu;  // keeps the bytes of the views alive
  for (const std::size_t linear : adapter.weights.linears()) {
    const LowRank& low_rank = *adapter.weights.find(linear);
    for (const auto& [matrix, tensor] : {std::pair{"lora_A", low_rank.a}, std::pair{"lora_B", low_rank.b}}) {
      on_cpu.push_back(tensor.cpu().contiguous());
      const at::Tensor& bytes = on_cpu.back();
      views.push_back(
          {tensor_name(model.linears()[linear]->name, matrix), DType::kF32, bytes.sizes().vec(),
           std::as_bytes(std::span(bytes.data_ptr<float>(), static_cast<std::size_t>(bytes.numel())))});
    }
  }
  write_safetensors(folder / kWeightsName, views, {{"format", "pt"}});
  write_adapter_config(folder / kConfigName, config_to_write(adapter, model));
}

}  // namespace lore
