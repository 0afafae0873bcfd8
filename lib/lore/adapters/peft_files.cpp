#include "lore/adapters/peft_files.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "lore/adapters/module_matching.h"
#include "lore/core/error.h"
#include "lore/formats/safetensors.h"

namespace lore {
namespace {

constexpr const char* kConfigName = "adapter_config.json";
constexpr const char* kWeightsName = "adapter_model.safetensors";

std::string tensor_name(const std::string& module, const char* matrix) {
  return fmt::format("base_model.model.{}.{}.weight", module, matrix);
}

at::ScalarType torch_dtype(const TensorView& view, const std::string& file) {
  switch (view.dtype) {
    case DType::kF32:
      return at::kFloat;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    default:
      throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: {}", file, view.name), "F32, F16 or BF16",
                            name_of(view.dtype));
  }
}

/// Takes matrices out of the file by name and remembers what was taken.
class MatrixReader {
 public:
  MatrixReader(const SafetensorsFile& file, std::string path) : file_(file), path_(std::move(path)) {}

  at::Tensor take(const std::string& name, at::IntArrayRef shape) {
    const TensorView* view = file_.find(name);
    if (view == nullptr) {
      throw Error(ErrorKind::kInput, path_, fmt::format("{} is missing", name));
    }
    if (!shape.equals(view->shape)) {
      throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: {}", path_, name),
                            fmt::format("[{}]", fmt::join(shape, ",")),
                            fmt::format("[{}]", fmt::join(view->shape, ",")));
    }
    taken_.insert(name);
    const at::Tensor stored = at::from_blob(const_cast<std::byte*>(view->bytes.data()), shape,
                                            at::TensorOptions(torch_dtype(*view, path_)));
    at::Tensor matrix = at::empty(shape, at::kFloat);
    matrix.copy_(stored);
    if (!at::isfinite(matrix).all().item<bool>()) {
      throw Error(ErrorKind::kInput, fmt::format("{}: {}", path_, name), "holds NaN or infinite values");
    }
    return matrix;
  }

  void refuse_leftovers() const {
    for (const TensorView& view : file_.tensors()) {
      if (!taken_.contains(view.name)) {
        throw Error(ErrorKind::kInput, fmt::format("{}: {}", path_, view.name),
                    fmt::format("belongs to no module that {} targets in this model", kConfigName));
      }
    }
  }

 private:
  const SafetensorsFile& file_;
  std::string path_;
  std::set<std::string> taken_;
};

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
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorKind::kInput, folder.string(), "is not a folder with an adapter");
  }
  LoraAdapter adapter{read_adapter_config(folder / kConfigName, warnings),
                      AdapterSet(model.linears().size())};
  const std::string path = (folder / kWeightsName).string();
  if (!std::filesystem::exists(path) && std::filesystem::exists(folder / "adapter_model.bin")) {
    throw Error(ErrorKind::kInput, (folder / "adapter_model.bin").string(),
                "is a pickle, which can run code when read; save the adapter with "
                "save_pretrained(..., safe_serialization=True)");
  }
  const SafetensorsFile file = SafetensorsFile::open(path);
  MatrixReader reader(file, path);
  std::vector<MatchedModule> modules;
  try {
    modules = match_modules(adapter.config, linear_names(model));
  } catch (const Error& error) {
    throw Error(ErrorKind::kInput, fmt::format("{}: {}", (folder / kConfigName).string(), error.subject()),
                error.message());
  }
  for (const MatchedModule& module : modules) {
    const Linear& linear = *model.linears()[module.linear];
    LowRank low_rank;
    low_rank.a = reader.take(tensor_name(linear.name, "lora_A"), {module.rank, linear.weight.in_features()})
                     .to(model.device());
    low_rank.b = reader.take(tensor_name(linear.name, "lora_B"), {linear.weight.out_features(), module.rank})
                     .to(model.device());
    low_rank.scale = module.scale;
    low_rank.dropout = adapter.config.lora_dropout;
    adapter.weights.set(module.linear, std::move(low_rank));
  }
  reader.refuse_leftovers();
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
