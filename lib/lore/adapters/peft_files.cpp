#include "lore/adapters/peft_files.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <set>

#include "lore/adapters/base_initialization.h"
#include "lore/adapters/module_matching.h"
#include "lore/adapters/stored_adapter.h"
#include "lore/adapters/trained_parts.h"
#include "lore/core/error.h"
#include "lore/formats/safetensors.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

constexpr const char* kConfigName = "adapter_config.json";
constexpr const char* kWeightsName = "adapter_model.safetensors";

/// Tensors on their way into a file.
class AdapterTensors {
 public:
  /// Trained tensors are stored as `dtype`.
  explicit AdapterTensors(at::ScalarType dtype) : dtype_(dtype) {}

  /// What was trained of the base's module `name`.
  void add(const std::string& name, const at::Tensor& trained) {
    add_stored("base_model.model." + name, trained);
  }

  void add_stored(const std::string& name, const at::Tensor& trained) {
    const at::Tensor rounded = trained.to(dtype_);
    if (!rounded.isfinite().all().item<bool>()) {
      throw Error(ErrorKind::kDiverged, name,
                  "holds numbers that are too large for adapter.save_dtype; use float32 or bfloat16");
    }
    add_as_it_is(name, rounded);
  }

  void add_as_it_is(const std::string& name, const at::Tensor& tensor) {
    on_cpu_.push_back(tensor.cpu().contiguous());
    const at::Tensor& values = on_cpu_.back();
    const DType dtype = *stored_dtype(values.scalar_type());
    views_.push_back({name,
                      dtype,
                      values.sizes().vec(),
                      {static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()}});
  }

  const std::vector<TensorView>& views() const { return views_; }

 private:
  at::ScalarType dtype_;
  std::vector<TensorView> views_;
  std::vector<at::Tensor> on_cpu_;  ///< keeps the bytes of the views alive
};

/// PEFT loads the copy over the base's own weight; it must be the same.
void refuse_other_base(const StoredAdapter& stored, const StoredParameter& copy, const at::Tensor& own) {
  const at::Tensor values = at::from_blob(const_cast<std::byte*>(copy.view.bytes.data()), copy.view.shape,
                                          at::TensorOptions(*torch_dtype(copy.view.dtype)));
  // The narrower of the two types decides what can be told apart.
  const at::ScalarType dtype = own.scalar_type() == at::kFloat ? values.scalar_type() : own.scalar_type();
  if (!values.to(dtype).equal(own.to(dtype))) {
    throw Error(ErrorKind::kInput, fmt::format("{}: {}", stored.weights_file().string(), copy.view.name),
                "holds other values than the base's own: the adapter was made on another base");
  }
}

/// `all-linear` is written as the leaf names it stands for, as PEFT writes it.
PeftConfig config_to_write(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  PeftConfig config = adapter.config;
  const auto* target = std::get_if<std::string>(&config.target_modules);
  if ((target != nullptr && is_all_linear(*target)) ||
      std::holds_alternative<std::monostate>(config.target_modules)) {
    const std::vector<std::string> modules = adaptable_names(model.config());
    std::set<std::string> leaves;
    for (const std::size_t linear : adapter.weights.linears()) {
      const std::string& name = modules[linear];
      leaves.insert(name.substr(name.rfind('.') + 1));
    }
    config.target_modules = std::vector<std::string>(leaves.begin(), leaves.end());
  }
  return config;
}

}  // namespace

LoraAdapter load_peft_adapter(const std::filesystem::path& folder, const LlamaForCausalLm& model,
                              std::vector<std::string>& warnings) {
  const std::vector<std::string> modules = adaptable_names(model.config());
  const WeightOf weight_of = [&](std::size_t module) { return model.parameter(modules[module] + ".weight"); };
  const StoredAdapter stored = StoredAdapter::open(folder, model.config(), warnings, weight_of);
  for (const StoredParameter& copy : stored.base_copies()) {
    refuse_other_base(stored, copy, model.parameter(copy.name).cpu());
  }
  LoraAdapter adapter{stored.config(), AdapterSet(model.linears().size() + 1)};
  for (const StoredLowRank& module : stored.modules()) {
    LowRank low_rank = stored.read(module);
    low_rank.a = low_rank.a.to(model.device());
    low_rank.b = low_rank.b.to(model.device());
    if (low_rank.is_dora()) {
      low_rank.magnitude = low_rank.magnitude.to(model.device());
    }
    adapter.weights.set(module.linear, std::move(low_rank));
  }
  for (const StoredParameter& parameter : stored.full()) {
    adapter.weights.full().add(parameter.name, stored.read(parameter).to(model.device()));
  }
  adapter.weights.refresh(model.dtype(), model.linears());
  return adapter;
}

void save_peft_adapter(const std::filesystem::path& folder, const LoraAdapter& trained,
                       const LlamaForCausalLm& model, at::ScalarType dtype) {
  const LoraAdapter adapter = to_plain_lora(trained);
  AdapterTensors tensors(dtype);
  const std::vector<std::string> modules = adaptable_names(model.config());
  std::vector<std::string> adapted;
  for (const std::size_t module : adapter.weights.linears()) {
    const LowRank& low_rank = *adapter.weights.find(module);
    const std::string& name = modules[module];
    adapted.push_back(name);
    if (name == kEmbeddingModule) {
      tensors.add(name + ".lora_embedding_A", low_rank.b.t());
      tensors.add(name + ".lora_embedding_B", low_rank.a.t());
    } else {
      tensors.add(name + ".lora_A.weight", low_rank.a);
      tensors.add(name + ".lora_B.weight", low_rank.b);
    }
    if (low_rank.is_dora()) {
      tensors.add(name + ".lora_magnitude_vector", low_rank.magnitude);
    }
    if (name == kEmbeddingModule || name == kHeadModule) {
      // PEFT's save_embedding_layers, which is on by itself when these are adapted.
      tensors.add_as_it_is("base_model.model." + name + ".base_layer.weight",
                           model.parameter(name + ".weight"));
    }
  }
  const std::vector<TrainedPart> parts = trained_parts(adapter.config, model.config(), adapted);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    tensors.add_stored(parts[i].stored, adapter.weights.full().list()[i].master);
  }
  write_safetensors(folder / kWeightsName, tensors.views(), {{"format", "pt"}});
  write_adapter_config(folder / kConfigName, config_to_write(adapter, model));
}

}  // namespace lore
