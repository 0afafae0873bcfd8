#include "lore/tasks/merge_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "lore/core/error.h"
#include "lore/nn/tensor_dtype.h"
#include "lore/tasks/adapted_source.h"

namespace lore {
namespace {

/// The type of most of the bytes of a GGUF file, when weights can be written as it; else bfloat16.
DType main_dtype(const std::filesystem::path& gguf) {
  std::map<GgmlType, std::size_t> bytes;
  const GgufFile file = GgufFile::open(gguf);
  for (const GgufTensor& tensor : file.tensors()) {
    bytes[tensor.type] += tensor.bytes.size();
  }
  const auto most = std::max_element(bytes.begin(), bytes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != bytes.end() && most->first == GgmlType::kF32) {
    return DType::kF32;
  }
  return most != bytes.end() && most->first == GgmlType::kF16 ? DType::kF16 : DType::kBF16;
}

std::optional<DType> wanted_dtype(const std::string& name, const MergeBase& base) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    if (name == config_name(dtype)) {
      return dtype;
    }
  }
  return base.checkpoint ? std::nullopt : std::optional(main_dtype(base.path));
}

/// The stored tensor behind a parameter of a folder. Throws when it is missing, misshapen or no float.
const TensorView& stored(const MergeBase& base, const ParameterShape& parameter) {
  const TensorView* view = base.checkpoint->find(parameter.name);
  if (view == nullptr) {
    throw Error(ErrorKind::kInput, base.path.string(), fmt::format("tensor {} is missing", parameter.name));
  }
  const std::string subject = fmt::format("{}: tensor {}", base.path.string(), parameter.name);
  if (view->shape != parameter.shape) {
    throw Error::mismatch(ErrorKind::kInput, subject, fmt::format("[{}]", fmt::join(parameter.shape, ",")),
                          fmt::format("[{}]", fmt::join(view->shape, ",")));
  }
  if (!torch_dtype(view->dtype)) {
    throw Error::mismatch(ErrorKind::kInput, subject, "F32, F16 or BF16", name_of(view->dtype));
  }
  return *view;
}

/// Whether a vector of a GGUF file, which are stored as F32, is the same in `dtype`.
bool is_exact(const MergeBase& base, const ParameterShape& parameter, DType dtype) {
  const at::Tensor values = base.weights->tensor(parameter.name, parameter.shape, at::kFloat);
  return values.to(*torch_dtype(dtype)).to(at::kFloat).equal(values);
}

void refuse_unused(const MergeBase& base, const std::vector<ParameterShape>& parameters) {
  std::vector<std::string> names;
  names.reserve(parameters.size());
  for (const ParameterShape& parameter : parameters) {
    names.push_back(parameter.name);
  }
  const std::vector<std::string> unused = base.weights->unused(names);
  if (!unused.empty()) {
    throw Error(ErrorKind::kInput, base.path.string(),
                fmt::format("holds {} tensor(s) that are not part of architecture {}, the first is {}",
                            unused.size(), base.weights->config().model_type, unused.front()));
  }
}

/// Tensors of a folder that are no parameters: rotary tables, a second copy of a tied head.
void add_others(const MergeBase& base, MergePlan& plan) {
  std::set<std::string> planned;
  for (const MergedTensor& tensor : plan.tensors) {
    planned.insert(tensor.spec.name);
  }
  for (const TensorView& view : base.checkpoint->tensors()) {
    if (!planned.contains(view.name)) {
      plan.tensors.push_back({{view.name, view.dtype, view.shape}, view.name, view, std::nullopt});
    }
  }
}

void fill_shards(MergePlan& plan, std::uint64_t shard_bytes) {
  std::uint64_t filled = 0;
  std::map<DType, std::uint64_t> by_dtype;
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const TensorSpec& spec = plan.tensors[i].spec;
    const std::uint64_t bytes = *byte_size(spec.dtype, spec.shape);
    if (plan.shards.empty() || (filled > 0 && filled + bytes > shard_bytes)) {
      plan.shards.emplace_back();
      filled = 0;
    }
    plan.shards.back().push_back(i);
    filled += bytes;
    plan.bytes += bytes;
    by_dtype[spec.dtype] += bytes;
  }
  plan.dtype = std::max_element(by_dtype.begin(), by_dtype.end(), [](const auto& a, const auto& b) {
                 return a.second < b.second;
               })->first;
}

}  // namespace

MergeBase MergeBase::open(const std::filesystem::path& path) {
  MergeBase base{path, open_weights(path), nullptr, std::nullopt};
  if (std::filesystem::is_directory(path)) {
    base.checkpoint = Checkpoint::open(path);
  }
  return base;
}

void MergeBase::adapt(const StoredAdapter& adapter) {
  bare = std::move(weights);
  weights = std::make_unique<AdaptedSource>(*bare, adapter);
}

MergePlan plan_merge(const MergeBase& base, const StoredAdapter& adapter, const std::string& dtype,
                     std::uint64_t shard_bytes) {
  const LlamaConfig& config = base.weights->config();
  const std::vector<ParameterShape> parameters = model_parameters(config);
  refuse_unused(base, parameters);
  const std::vector<LinearShape> linears = adaptable_modules(config);
  std::map<std::string, std::size_t> modules;
  for (std::size_t i = 0; i < adapter.modules().size(); ++i) {
    modules[linears[adapter.modules()[i].linear].name + ".weight"] = i;
  }
  std::set<std::string> replaced;
  for (const StoredParameter& parameter : adapter.full()) {
    replaced.insert(parameter.name);
  }
  MergePlan plan;
  plan.unties = base.bare->config().tie_word_embeddings && !config.tie_word_embeddings;
  const std::optional<DType> wanted = wanted_dtype(dtype, base);
  for (const ParameterShape& parameter : parameters) {
    MergedTensor tensor;
    tensor.source = parameter.name;
    tensor.spec = {parameter.name, wanted.value_or(DType::kBF16), parameter.shape};
    if (const auto module = modules.find(parameter.name); module != modules.end()) {
      tensor.module = module->second;
    }
    if (base.checkpoint) {
      const TensorView& view =
          stored(base, {base_tensor_name(base.bare->config(), parameter.name), parameter.shape});
      tensor.spec.dtype = wanted.value_or(view.dtype);
      plan.converts = plan.converts || tensor.spec.dtype != view.dtype;
      if (!tensor.module && !replaced.contains(parameter.name) && tensor.spec.dtype == view.dtype) {
        tensor.copy = view;
      }
    } else if (dtype == "base" && parameter.shape.size() == 1 &&
               !is_exact(base, parameter, tensor.spec.dtype)) {
      tensor.spec.dtype = DType::kF32;
    }
    plan.tensors.push_back(std::move(tensor));
  }
  if (base.checkpoint) {
    add_others(base, plan);
  } else {
    plan.converts = true;
  }
  fill_shards(plan, shard_bytes);
  return plan;
}

std::string shard_name(std::size_t shard, std::size_t shards) {
  return shards == 1 ? "model.safetensors"
                     : fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards);
}

std::string_view config_name(DType dtype) {
  return dtype == DType::kF32 ? "float32" : dtype == DType::kF16 ? "float16" : "bfloat16";
}

}  // namespace lore
