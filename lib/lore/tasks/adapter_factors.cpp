#include "lore/tasks/adapter_factors.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "lore/adapters/adapter_weights.h"
#include "lore/adapters/module_matching.h"
#include "lore/adapters/tensor_names.h"
#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/adapter_record.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigName = "adapter_config.json";
constexpr const char* kWeightsName = "adapter_model.safetensors";

std::string shape_text(const TensorView& view) { return fmt::format("[{}]", fmt::join(view.shape, ",")); }

std::string tensor(const TensorView& view) {
  return fmt::format("{}: {}", kWeightsName, printable(view.name));
}

class FolderReader {
 public:
  FolderReader(const fs::path& folder, Inspection& findings) : folder_(folder), findings_(findings) {}

  AdapterFactors read() {
    attempt([&] {
      check_adapter_folder(folder_);
      result_.config = read_adapter_config(folder_ / kConfigName, findings_.warnings);
      check_adapter_record(folder_, *result_.config);
    });
    for (std::string& warning : findings_.warnings) {
      warning = without_folder(std::move(warning), folder_.string());
    }
    attempt([&] { result_.file = open_adapter_weights(folder_); });
    if (result_.file) {
      sort_tensors();
      pair_factors();
      scale_modules();
      check_others();
    }
    return std::move(result_);
  }

 private:
  template <class Look>
  void attempt(const Look& look) {
    try {
      look();
    } catch (const Error& error) {
      findings_.problem(error.what());
    }
  }

  void sort_tensors() {
    for (const TensorView& view : result_.file->tensors()) {
      AdapterTensorName name = parse_adapter_tensor_name(view.name);
      if (!name.mistake.empty()) {
        findings_.problem(
            fmt::format("{} {}, so PEFT passes over it: rename the tensors as PEFT's save_pretrained "
                        "does, base_model.model.MODULE.lora_A.weight",
                        tensor(view), name.mistake),
            "names");
      }
      if (!torch_dtype(view.dtype)) {
        findings_.problem(
            fmt::format("{}: expected F32, F16 or BF16, got {}; save the adapter in one of these",
                        tensor(view), name_of(view.dtype)),
            "dtype");
      }
      switch (name.part) {
        case AdapterPart::kA:
        case AdapterPart::kEmbeddingA:
          pairs_[name.module].a = &view;
          break;
        case AdapterPart::kB:
        case AdapterPart::kEmbeddingB:
          pairs_[name.module].b = &view;
          break;
        default:
          result_.others.push_back(&view);
      }
    }
    if (pairs_.empty() && result_.others.empty()) {
      findings_.problem(fmt::format("{}: holds no tensor", kWeightsName));
    }
  }

  void pair_factors() {
    for (auto& [module, pair] : pairs_) {
      pair.module = module;
      pair.layer = layer_of_module(module);
      const TensorView* alone = pair.a == nullptr ? pair.b : pair.b == nullptr ? pair.a : nullptr;
      if (alone != nullptr) {
        findings_.problem(fmt::format("{}: its partner {} is missing; was a tensor lost?", tensor(*alone),
                                      pair.a == nullptr ? "lora_A" : "lora_B"),
                          "partner");
        continue;
      }
      const bool matrices = pair.a->shape.size() == 2 && pair.b->shape.size() == 2;
      if (!matrices || pair.a->shape[0] == 0 || pair.a->shape[1] == 0 || pair.b->shape[0] == 0) {
        findings_.problem(
            fmt::format("{}: expected two matrices, lora_A [r,in] and lora_B [out,r], got {} and {}",
                        tensor(*pair.a), shape_text(*pair.a), shape_text(*pair.b)),
            "shape");
        continue;
      }
      if (pair.a->shape[0] != pair.b->shape[1]) {
        const bool crossed = pair.a->shape[1] == pair.b->shape[0];
        findings_.problem(
            fmt::format("{}: expected lora_A [r,in] and lora_B [out,r] of one rank r, got {} and {}{}",
                        tensor(*pair.a), shape_text(*pair.a), shape_text(*pair.b),
                        crossed ? " (swapped, or each transposed; restore the file as it was saved)" : ""),
            "shape");
        continue;
      }
      if (torch_dtype(pair.a->dtype) && torch_dtype(pair.b->dtype)) {
        result_.modules.push_back(pair);
      }
    }
    std::sort(result_.modules.begin(), result_.modules.end(), [](const FactorPair& a, const FactorPair& b) {
      const auto key = [](const FactorPair& pair) {
        return std::tuple(pair.layer < 0 ? std::numeric_limits<int>::max() : pair.layer,
                          order_of_leaf(leaf_of_module(pair.module)), std::string_view(pair.module));
      };
      return key(a) < key(b);
    });
  }

  void scale_modules() {
    if (!result_.config || pairs_.empty()) {
      return;
    }
    std::vector<std::string> names;
    names.reserve(pairs_.size());
    for (const auto& [module, pair] : pairs_) {
      names.push_back(module);
    }
    std::vector<std::string> unused;
    std::vector<MatchedModule> matched;
    try {
      matched = match_modules(*result_.config, names, &unused);
    } catch (const Error& error) {
      // Without the model the modules are those of the file.
      const bool none = error.subject() == "target_modules";
      findings_.problem(fmt::format("{}: {}", kConfigName,
                                    none ? fmt::format("target_modules match none of the modules in {}: {}",
                                                       kWeightsName, shown_leaves(names))
                                         : std::string(error.what())));
      return;
    }
    for (const std::string& part : unused) {
      findings_.warnings.push_back(
          fmt::format("{}: {} matches no tensor in the file", kConfigName, target_and_hint(part)));
    }
    std::map<std::string, const MatchedModule*> by_name;
    for (const MatchedModule& module : matched) {
      by_name[names[module.linear]] = &module;
    }
    for (const auto& [module, pair] : pairs_) {
      if (!by_name.contains(module)) {
        findings_.problem(
            fmt::format("{}: belongs to no module that {} targets{}",
                        tensor(pair.a != nullptr ? *pair.a : *pair.b), kConfigName,
                        unused.empty() ? std::string("; was the configuration edited?")
                                       : fmt::format("; {} matches none", target_and_hint(unused.front()))),
            "target");
      }
    }
    for (FactorPair& pair : result_.modules) {
      const auto found = by_name.find(pair.module);
      if (found == by_name.end()) {
        continue;
      }
      pair.scale = found->second->scale;
      check_rank(pair, found->second->rank);
    }
  }

  /// Of what match_modules says of a part that matches nothing: the part, and the nearest name.
  static std::string target_and_hint(const std::string& message) {
    const std::size_t hint = message.find(" (did you mean");
    const std::size_t end = message.find("?)", hint == std::string::npos ? message.size() : hint);
    return message.substr(0, message.find("\": ") + 1) +
           (end == std::string::npos ? "" : message.substr(hint, end + 2 - hint));
  }

  void check_rank(const FactorPair& pair, std::int64_t rank) {
    if (pair.rank() == rank) {
      return;
    }
    const bool crossed = pair.in() == rank && pair.out() == rank;
    findings_.problem(
        crossed
            ? fmt::format("{}: expected lora_A [{},in] and lora_B [out,{}], got {} and {} (swapped, or each "
                          "transposed; restore the file as it was saved)",
                          tensor(*pair.a), rank, rank, shape_text(*pair.a), shape_text(*pair.b))
            : fmt::format("{}: has rank {}, where {} says {}; correct r or rank_pattern there",
                          tensor(*pair.a), pair.rank(), kConfigName, rank),
        "rank");
  }

  static std::string shown_leaves(const std::vector<std::string>& names) {
    std::set<std::string> leaves;
    for (const std::string& name : names) {
      leaves.emplace(leaf_of_module(name));
    }
    return printable(fmt::format("{}", fmt::join(leaves, ", ")));
  }

  /// Whether the configuration accounts for a tensor that is no factor.
  bool is_expected(const AdapterTensorName& name, const PeftConfig& config) const {
    switch (name.part) {
      case AdapterPart::kMagnitude:
        return config.use_dora;
      case AdapterPart::kBiasOfB:
        return config.lora_bias;
      case AdapterPart::kBaseLayer:
        return pairs_.contains(name.module);
      case AdapterPart::kOther: {
        const bool saved = std::any_of(
            config.modules_to_save.begin(), config.modules_to_save.end(), [&](const std::string& module) {
              return fmt::format(".{}.", name.module).find(fmt::format(".{}.", module)) != std::string::npos;
            });
        return saved || (config.bias != "none" && name.module.ends_with(".bias"));
      }
      default:
        return true;
    }
  }

  void check_others() {
    for (const TensorView* view : result_.others) {
      if (result_.config && !is_expected(parse_adapter_tensor_name(view->name), *result_.config)) {
        findings_.problem(fmt::format("{}: belongs to nothing that {} names; was the configuration edited?",
                                      tensor(*view), kConfigName),
                          "other");
      }
    }
  }

  const fs::path& folder_;
  Inspection& findings_;
  AdapterFactors result_;
  std::map<std::string, FactorPair> pairs_;
};

}  // namespace

int order_of_leaf(std::string_view leaf) {
  static constexpr std::array<std::string_view, 7> kOrder{"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                          "gate_proj", "up_proj", "down_proj"};
  return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), leaf) - kOrder.begin());
}

at::Tensor read_factor(const TensorView& view) {
  return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape,
                       at::TensorOptions(*torch_dtype(view.dtype)))
      .to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

AdapterFactors AdapterFactors::open(const fs::path& folder, Inspection& findings) {
  return FolderReader(folder, findings).read();
}

}  // namespace lore
