#include "lore/tasks/portable_adapter.h"

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "lore/adapters/module_matching.h"
#include "lore/adapters/stored_adapter.h"
#include "lore/adapters/tensor_names.h"
#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/printable.h"
#include "lore/core/private_path.h"
#include "lore/tasks/adapter_limits.h"
#include "lore/tasks/adapter_targets.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

/// vLLM's largest --max-lora-rank.
constexpr std::int64_t kMostRanks = 512;

/// The modules that an adapter's file has matrices for, with the shapes of the weights they belong to.
std::vector<LinearShape> linears_in(const fs::path& weights) {
  std::vector<LinearShape> linears;
  if (!fs::exists(weights)) {
    return linears;  // the reader of the adapter says what there is instead
  }
  const SafetensorsFile file = SafetensorsFile::open(weights);
  for (const TensorView& view : file.tensors()) {
    const AdapterTensorName name = parse_adapter_tensor_name(view.name);
    const bool embeds = name.part == AdapterPart::kEmbeddingA;
    if (!name.mistake.empty() || (name.part != AdapterPart::kA && !embeds)) {
      continue;
    }
    const AdapterPart other = embeds ? AdapterPart::kEmbeddingB : AdapterPart::kB;
    const TensorView* b = file.find(adapter_tensor_name(name.module, other));
    if (b != nullptr && b->shape.size() == 2 && view.shape.size() == 2) {
      linears.push_back(embeds ? LinearShape{name.module, view.shape[1], b->shape[0]}
                               : LinearShape{name.module, b->shape[0], view.shape[1]});
    }
  }
  return linears;
}

/// What the adapter calls its base, without saying anything of the machine.
std::string base_of(const PeftConfig& config, std::vector<std::string>& warnings) {
  std::string name = public_name(config.base_model_name_or_path);
  if (name != config.base_model_name_or_path) {
    warnings.push_back(
        fmt::format("base_model_name_or_path is a path of one machine; {} is written instead (name the "
                    "base with --base-name)",
                    in_quotes(name)));
  }
  return name;
}

/// One alpha that is each module's scale times the common rank, an integer; nothing when there is none.
std::optional<double> common_alpha(const std::vector<PlainLora>& modules, std::int64_t rank) {
  const double alpha = modules.front().scale * static_cast<double>(rank);
  const double nearest = std::nearbyint(alpha);
  const auto fits = [&](const PlainLora& module) {
    return std::abs(module.scale * static_cast<double>(rank) - nearest) <= 1e-9 * std::abs(nearest);
  };
  return nearest != 0 && std::all_of(modules.begin(), modules.end(), fits) ? std::optional(nearest)
                                                                           : std::nullopt;
}

at::Tensor filled_up(const at::Tensor& matrix, std::int64_t dimension, std::int64_t rank) {
  if (matrix.size(dimension) == rank) {
    return matrix;
  }
  std::vector<std::int64_t> shape = matrix.sizes().vec();
  shape[static_cast<std::size_t>(dimension)] = rank;
  at::Tensor result = at::zeros(shape, at::kFloat);
  result.narrow(dimension, 0, matrix.size(dimension)).copy_(matrix);
  return result;
}

/// Whether the adapter's own targets are all modules of some leaf names, so that the file has all of them.
bool takes_whole_leaves(const PeftConfig& config) {
  if (config.layers_to_transform || !std::holds_alternative<std::monostate>(config.exclude_modules)) {
    return false;
  }
  if (const auto* text = std::get_if<std::string>(&config.target_modules)) {
    return is_all_linear(*text);
  }
  const auto* list = std::get_if<std::vector<std::string>>(&config.target_modules);
  return list == nullptr || std::all_of(list->begin(), list->end(), [](const std::string& name) {
           return name.find('.') == std::string::npos;
         });
}

/// Leaf names, with the layers where not all of them are adapted; full names where that does not say it.
PeftConfig portable_targets(const PeftConfig& own, const std::vector<PlainLora>& modules,
                            const std::vector<LinearShape>& linears) {
  std::vector<std::string> names;
  names.reserve(linears.size());
  for (const LinearShape& linear : linears) {
    names.push_back(linear.name);
  }
  PeftConfig config = targets_of(modules, names);
  if (takes_whole_leaves(own)) {
    return config;
  }
  std::set<std::int64_t> layers;
  for (const std::string& name : names) {
    layers.insert(layer_of(name));
  }
  const std::size_t leaves = std::get<std::vector<std::string>>(config.target_modules).size();
  if (!layers.contains(-1) && names.size() == leaves * layers.size()) {
    config.layers_to_transform = std::vector<std::int64_t>(layers.begin(), layers.end());
  } else {
    config.target_modules = names;
  }
  return config;
}

}  // namespace

Conversion write_portable_adapter(const fs::path& adapter, const std::string& base_name,
                                  const fs::path& folder) {
  refuse_more_than_lora(adapter, "a portable adapter");
  Conversion result;
  result.what = "adapter";
  const std::vector<LinearShape> linears = linears_in(adapter / "adapter_model.safetensors");
  const StoredAdapter stored = StoredAdapter::open(adapter, linears, result.warnings);
  std::vector<PlainLora> modules;
  modules.reserve(stored.modules().size());
  std::int64_t rank = 1;
  for (const StoredLowRank& module : stored.modules()) {
    const LowRank low_rank = stored.read(module);
    modules.push_back({linears[module.linear].name, low_rank.a, low_rank.b, module.scale});
    rank = std::max(rank, low_rank.a.size(0));
  }
  const std::optional<double> alpha = common_alpha(modules, rank);
  for (PlainLora& module : modules) {
    if (!alpha) {
      module.b.mul_(module.scale);
    }
    module.a = filled_up(module.a, 0, rank);
    module.b = filled_up(module.b, 1, rank);
    result.bytes += static_cast<std::uint64_t>(module.a.nbytes() + module.b.nbytes());
  }
  PeftConfig config = portable_targets(stored.config(), modules, linears);
  config.r = rank;
  config.lora_alpha = alpha.value_or(static_cast<double>(rank));
  config.lora_dropout = stored.config().lora_dropout;
  config.base_model_name_or_path = base_name.empty() ? base_of(stored.config(), result.warnings) : base_name;
  if (rank > kMostRanks) {
    result.warnings.push_back(fmt::format("the rank is {}, and vLLM takes ranks up to {}", rank, kMostRanks));
  }
  write_plain_lora(folder, config, modules);
  result.files = {"adapter_config.json"};
  if (const fs::path manifest = adapter / "lore_manifest.json"; fs::exists(manifest)) {
    write_file_atomically(folder / manifest.filename(), MappedFile::open(manifest)->text());
    result.files.emplace_back("lore_manifest.json");
  }
  result.type = "F32";
  result.tensors = 2 * modules.size();
  return result;
}

}  // namespace lore
