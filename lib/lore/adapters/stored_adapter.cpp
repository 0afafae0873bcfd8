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
#include "lore/adapters/trained_parts.h"
#include "lore/core/error.h"
#include "lore/formats/adapter_record.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

constexpr const char* kConfigName = "adapter_config.json";
constexpr const char* kPrefix = "base_model.model.";

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

  /// PEFT saves it without ".weight", and reads it with it, too.
  const TensorView& take_magnitude(const std::string& name, std::int64_t out) {
    return take(file_.find(name + ".weight") != nullptr ? name + ".weight" : name, {out});
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

/// Runs `match` and says of an error that it is about the configuration in `folder`.
template <typename Match>
auto by_configuration(const std::filesystem::path& folder, const Match& match) {
  try {
    return match();
  } catch (const Error& error) {
    throw Error(ErrorKind::kInput, fmt::format("{}: {}", (folder / kConfigName).string(), error.subject()),
                error.message());
  }
}

std::vector<std::string> names_of(std::span<const LinearShape> modules) {
  std::vector<std::string> names;
  names.reserve(modules.size());
  for (const LinearShape& module : modules) {
    names.push_back(module.name);
  }
  return names;
}

StoredLowRank take_low_rank(MatrixFinder& finder, const MatchedModule& module, const LinearShape& shape) {
  const std::string prefix = kPrefix + shape.name;
  if (shape.name == kEmbeddingModule) {
    return {module.linear, module.scale, finder.take(prefix + ".lora_embedding_B", {shape.in, module.rank}),
            finder.take(prefix + ".lora_embedding_A", {module.rank, shape.out}), /*transposed=*/true};
  }
  return {module.linear, module.scale, finder.take(prefix + ".lora_A.weight", {module.rank, shape.in}),
          finder.take(prefix + ".lora_B.weight", {shape.out, module.rank})};
}

void refuse_on_embeddings(const PeftConfig& config, const std::filesystem::path& folder) {
  const bool starts = starts_from_base(config.init_lora_weights);
  if (config.use_dora || starts) {
    throw Error(ErrorKind::kInput, (folder / kConfigName).string(),
                fmt::format("{} is not supported on embed_tokens; merge the adapter with PEFT",
                            config.use_dora ? "use_dora" : std::get<std::string>(config.init_lora_weights)));
  }
}

}  // namespace

WeightOf weights_of(const WeightSource& base) {
  return [&base, modules = adaptable_modules(base.config())](std::size_t place) {
    const LinearShape& module = modules[place];
    const bool tied = module.name == kHeadModule && base.config().tie_word_embeddings;
    return base.tensor((tied ? std::string(kEmbeddingModule) : module.name) + ".weight",
                       {module.out, module.in}, at::kFloat);
  };
}

StoredAdapter StoredAdapter::open(const std::filesystem::path& folder, const LlamaConfig& model,
                                  std::vector<std::string>& warnings, const WeightOf& weight_of) {
  return open_parts(folder, adaptable_modules(model), &model, warnings, weight_of);
}

StoredAdapter StoredAdapter::open(const std::filesystem::path& folder, std::span<const LinearShape> linears,
                                  std::vector<std::string>& warnings) {
  return open_parts(folder, linears, nullptr, warnings, nullptr);
}

StoredAdapter StoredAdapter::open_parts(const std::filesystem::path& folder,
                                        std::span<const LinearShape> modules, const LlamaConfig* model,
                                        std::vector<std::string>& warnings, const WeightOf& weight_of) {
  check_adapter_folder(folder);
  PeftConfig config = read_adapter_config(folder / kConfigName, warnings);
  check_adapter_record(folder, config);
  StoredAdapter adapter(std::move(config), open_adapter_weights(folder));
  MatrixFinder finder(adapter.file_);
  std::vector<std::string> unused;
  const auto matched =
      by_configuration(folder, [&] { return match_modules(adapter.config_, names_of(modules), &unused); });
  std::vector<std::string> adapted;
  for (const MatchedModule& module : matched) {
    const LinearShape& shape = modules[module.linear];
    adapter.modules_.push_back(take_low_rank(finder, module, shape));
    adapted.push_back(shape.name);
    if (shape.name == kEmbeddingModule) {
      refuse_on_embeddings(adapter.config_, folder);
    } else if (adapter.config_.use_dora) {
      adapter.modules_.back().magnitude =
          finder.take_magnitude(kPrefix + shape.name + ".lora_magnitude_vector", shape.out);
    }
    const std::string copy = kPrefix + shape.name + ".base_layer.weight";
    const bool may_bring_base = shape.name == kHeadModule || shape.name == kEmbeddingModule;
    if (may_bring_base && adapter.file_.find(copy) != nullptr) {
      adapter.base_copies_.push_back({shape.name + ".weight", finder.take(copy, {shape.out, shape.in})});
    }
  }
  const auto parts = by_configuration(folder, [&] {
    return model != nullptr ? trained_parts(adapter.config_, *model, adapted) : std::vector<TrainedPart>();
  });
  for (const TrainedPart& part : parts) {
    adapter.full_.push_back({part.parameter.name, finder.take(part.stored, part.parameter.shape)});
  }
  finder.refuse_leftovers(unused);
  for (const std::string& part : unused) {
    warnings.push_back(fmt::format("{}: {}", (folder / kConfigName).string(), part));
  }
  if (starts_from_base(adapter.config_.init_lora_weights)) {
    if (!weight_of) {
      throw Error(ErrorKind::kInput, (folder / kConfigName).string(),
                  fmt::format("init_lora_weights: {} means that the adapter stands on a changed base, which "
                              "cannot be told without the base; save it with PEFT's save_pretrained(..., "
                              "path_initial_model_for_weight_conversion=...)",
                              std::get<std::string>(adapter.config_.init_lora_weights)));
    }
    adapter.take_start_off(weight_of);
  }
  return adapter;
}

void StoredAdapter::take_start_off(const WeightOf& weight_of) {
  const std::string init = std::get<std::string>(config_.init_lora_weights);
  for (StoredLowRank& module : modules_) {
    module.start = starting_pair(init, weight_of(module.linear), module.rank(), module.scale,
                                 /*seed=*/0, /*stream=*/0);
  }
  config_ = doubled_rank(std::move(config_));
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
  if (module.transposed) {
    low_rank.a = low_rank.a.t().contiguous();
    low_rank.b = low_rank.b.t().contiguous();
  }
  if (module.start) {
    const StartingPair plain = with_start_taken_off(
        {low_rank.a, low_rank.b}, {module.start->a.to(at::kCPU), module.start->b.to(at::kCPU)});
    low_rank.a = plain.a;
    low_rank.b = plain.b;
  }
  if (module.magnitude) {
    low_rank.magnitude = read_matrix(*module.magnitude);
  }
  low_rank.scale = module.scale;
  low_rank.dropout = config_.lora_dropout;
  return low_rank;
}

}  // namespace lore
