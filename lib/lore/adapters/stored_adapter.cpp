#include "lore/adapters/stored_adapter.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "lore/adapters/adapter_weights.h"
#include "lore/adapters/module_matching.h"
#include "lore/adapters/tensor_mistakes.h"
#include "lore/core/error.h"
#include "lore/formats/adapter_record.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

constexpr const char* kConfigName = "adapter_config.json";

/// Finds matrices by name and remembers which ones were taken.
class MatrixFinder {
 public:
  explicit MatrixFinder(const SafetensorsFile& file) : file_(file), path_(file.file()->path().string()) {}

  const TensorView& take(const std::string& name, at::IntArrayRef shape) {
    const TensorView* view = file_.find(name);
    if (view == nullptr) {
      throw Error(ErrorKind::kInput, path_,
                  fmt::format("{} is missing{}", name, misnamed_tensor(file_, name)));
    }
    const std::string subject = fmt::format("{}: {}", path_, name);
    if (!shape.equals(view->shape)) {
      throw Error::mismatch(
          ErrorKind::kInput, subject, fmt::format("[{}]", fmt::join(shape, ",")),
          fmt::format("[{}]{}", fmt::join(view->shape, ","), shape_mistake(name, shape, view->shape)));
    }
    if (!torch_dtype(view->dtype)) {
      throw Error::mismatch(ErrorKind::kInput, subject, "F32, F16 or BF16",
                            fmt::format("{}; save the adapter in one of these", name_of(view->dtype)));
    }
    taken_.insert(name);
    return *view;
  }

  /// `unused` says which parts of the configuration match nothing, and so may be meant for the tensor.
  void refuse_leftovers(const std::vector<std::string>& unused) const {
    for (const TensorView& view : file_.tensors()) {
      if (!taken_.contains(view.name)) {
        throw Error(ErrorKind::kInput, fmt::format("{}: {}", path_, view.name),
                    fmt::format("belongs to no module that {} targets in this model; {}", kConfigName,
                                unused.empty() ? "is it an adapter of another model, or was its "
                                                 "configuration edited?"
                                               : unused.front()));
      }
    }
  }

 private:
  const SafetensorsFile& file_;
  std::string path_;
  std::set<std::string> taken_;
};

std::vector<MatchedModule> matched_modules(const PeftConfig& config, std::span<const LinearShape> linears,
                                           const std::filesystem::path& folder,
                                           std::vector<std::string>& unused) {
  std::vector<std::string> names;
  names.reserve(linears.size());
  for (const LinearShape& linear : linears) {
    names.push_back(linear.name);
  }
  try {
    return match_modules(config, names, &unused);
  } catch (const Error& error) {
    throw Error(ErrorKind::kInput, fmt::format("{}: {}", (folder / kConfigName).string(), error.subject()),
                error.message());
  }
}

}  // namespace

StoredAdapter StoredAdapter::open(const std::filesystem::path& folder, std::span<const LinearShape> linears,
                                  std::vector<std::string>& warnings) {
  check_adapter_folder(folder);
  PeftConfig config = read_adapter_config(folder / kConfigName, warnings);
  check_adapter_record(folder, config);
  StoredAdapter adapter(std::move(config), open_adapter_weights(folder));
  MatrixFinder finder(adapter.file_);
  std::vector<std::string> unused;
  for (const MatchedModule& module : matched_modules(adapter.config_, linears, folder, unused)) {
    const LinearShape& linear = linears[module.linear];
    const std::string prefix = "base_model.model." + linear.name;
    adapter.modules_.push_back({module.linear, module.scale,
                                finder.take(prefix + ".lora_A.weight", {module.rank, linear.in}),
                                finder.take(prefix + ".lora_B.weight", {linear.out, module.rank})});
    if (linear.name == "lm_head" && adapter.head_base() != nullptr) {
      finder.take(adapter.head_base()->name, {linear.out, linear.in});
    }
  }
  finder.refuse_leftovers(unused);
  for (const std::string& part : unused) {
    warnings.push_back(fmt::format("{}: {}", (folder / kConfigName).string(), part));
  }
  return adapter;
}

at::Tensor StoredAdapter::read_matrix(const TensorView& view) const {
  const at::Tensor stored = at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape,
                                          at::TensorOptions(*torch_dtype(view.dtype)));
  at::Tensor matrix = at::empty(view.shape, at::kFloat);
  matrix.copy_(stored);
  if (!at::isfinite(matrix).all().item<bool>()) {
    throw Error(ErrorKind::kInput, fmt::format("{}: {}", file_.file()->path().string(), view.name),
                "holds NaN or infinite values; take an earlier checkpoint of the adapter");
  }
  file_.file()->release(view.bytes);
  return matrix;
}

LowRank StoredAdapter::read(const StoredLowRank& module) const {
  LowRank low_rank;
  low_rank.a = read_matrix(module.a);
  low_rank.b = read_matrix(module.b);
  low_rank.scale = module.scale;
  low_rank.dropout = config_.lora_dropout;
  return low_rank;
}

}  // namespace lore
