#include "lore/tasks/inspect_adapter.h"

#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "lore/adapters/lora.h"
#include "lore/adapters/module_matching.h"
#include "lore/adapters/stored_adapter.h"
#include "lore/adapters/tensor_names.h"
#include "lore/adapters/update_norms.h"
#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/data/visible_text.h"
#include "lore/formats/hf_cache.h"
#include "lore/tasks/adapter_factors.h"
#include "lore/tasks/base_binding.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/merge_plan.h"
#include "lore/tasks/weight_norms.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// What the factors of one module came to.
struct MeasuredModule {
  UpdateNorms norms;
  bool finite_a = true;
  bool finite_b = true;
  std::optional<double> weight;  ///< ||W||_F, where a base was given

  bool finite() const { return finite_a && finite_b; }
};

/// One module after another: LAPACK may wait for itself for ever when it is called from several threads.
std::vector<MeasuredModule> measure(const std::vector<FactorPair>& modules) {
  std::vector<MeasuredModule> measured(modules.size());
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const at::Tensor a = read_factor(*modules[i].a);
    const at::Tensor b = read_factor(*modules[i].b);
    measured[i].finite_a = at::isfinite(a).all().item<bool>();
    measured[i].finite_b = at::isfinite(b).all().item<bool>();
    if (measured[i].finite()) {
      measured[i].norms = measure_update(a, b, modules[i].scale.value_or(1));
    }
  }
  return measured;
}

class AdapterInspector {
 public:
  AdapterInspector(const fs::path& folder, const Environment& environment)
      : folder_(folder), environment_(environment) {
    result_.kind = "adapter";
    result_.path = folder.string();
  }

  Inspection inspect(const std::string& base) {
    factors_ = AdapterFactors::open(folder_, result_);
    measured_ = measure(factors_.modules);
    describe_config();
    check_binding();
    if (!base.empty()) {
      compare_with_base(base);
    }
    describe_tensors();
    check_values();
    describe_norms();
    draw();
    return std::move(result_);
  }

 private:
  void describe_config() {
    if (!factors_.config) {
      return;
    }
    const PeftConfig& config = *factors_.config;
    const std::string method = config.use_dora ? "DoRA" : config.use_rslora ? "rsLoRA" : "LoRA";
    const double scale = lora_scale(config, config.lora_alpha, config.r);
    std::string patterns;
    for (const auto& [name, size] : {std::pair("rank_pattern", config.rank_pattern.size()),
                                     std::pair("alpha_pattern", config.alpha_pattern.size())}) {
      patterns += size > 0 ? fmt::format(", {} of {}", name, size) : "";
    }
    result_.fact("method", fmt::format("{}: r {}, lora_alpha {:g}, scale {:.4g}{}", method, config.r,
                                       config.lora_alpha, scale, patterns));
    result_.details["method"] = method;
    result_.details["r"] = config.r;
    result_.details["lora_alpha"] = config.lora_alpha;
    result_.details["use_rslora"] = config.use_rslora;
    result_.details["scale"] = scale;
    result_.details["base_model_name_or_path"] = config.base_model_name_or_path;
    if (!config.peft_version.empty()) {
      result_.details["peft_version"] = config.peft_version;
    }
  }

  void check_binding() {
    std::string text = factors_.config ? factors_.config->base_model_name_or_path : "";
    text = text.empty() ? "not named" : printable(text);
    try {
      binding_ = read_base_binding(folder_);
    } catch (const Error& error) {
      result_.problem(error.what());
      return;
    }
    if (!binding_) {
      result_.fact("base", text + "; not bound to its tensors (no lore_manifest.json)");
      result_.details["binding"] = nullptr;
      return;
    }
    result_.fact("base",
                 fmt::format("{}; bound to {}, {} tensors, SHA-256 {}", text, printable(binding_->name),
                             binding_->digest.tensors, binding_->digest.sha256.substr(0, 16)));
    result_.details["binding"] = {{"name", binding_->name},
                                  {"sha256", binding_->digest.sha256},
                                  {"tensors", binding_->digest.tensors},
                                  {"bytes", binding_->digest.bytes}};
  }

  void compare_with_base(const std::string& base) {
    const fs::path path = find_model(base, fs::current_path(), environment_.cache_roots);
    const std::unique_ptr<WeightSource> weights = open_weights(path);
    const std::vector<LinearShape> linears = adaptable_linears(weights->config());
    const std::string name = base_name(path, base);
    bool fits = true;
    try {
      std::vector<std::string> warnings;
      StoredAdapter::open(folder_, weights->config(), warnings, weights_of(*weights));
    } catch (const Error& error) {
      fits = false;
      result_.problem(error.what());
    }
    std::string same = "not known";
    if (binding_) {
      const std::string difference = base_difference(
          *binding_, name, digest_tensors(weights->files(), FileMemo(environment_.hash_dir), [this] {
            return *environment_.signal != 0;
          }));
      same = difference.empty() ? "yes" : "no";
      if (!difference.empty()) {
        result_.problem(difference + "; use it on that base");
      }
    }
    result_.fact("fits", fmt::format("{}: {}; the base it was made on: {}", name, fits ? "yes" : "no", same));
    result_.details["base"] = {
        {"name", name}, {"fits", fits}, {"same", binding_ ? Json(same == "yes") : Json()}};
    std::map<std::string, const LinearShape*> by_name;
    for (const LinearShape& linear : linears) {
      by_name[linear.name] = &linear;
    }
    for (std::size_t i = 0; i < measured_.size(); ++i) {
      const FactorPair& pair = factors_.modules[i];
      const auto found = by_name.find(pair.module);
      if (found != by_name.end() && found->second->out == pair.out() && found->second->in == pair.in()) {
        measured_[i].weight = weight_norm(*weights, *found->second);
      }
    }
  }

  void describe_tensors() {
    std::int64_t parameters = 0;
    std::int64_t bytes = 0;
    std::map<std::string, std::int64_t> dtypes;
    std::set<int> layers;
    std::set<std::int64_t> ranks;
    std::vector<std::string> names;
    for (const FactorPair& pair : factors_.modules) {
      parameters += pair.rank() * (pair.in() + pair.out());
      ranks.insert(pair.rank());
      names.push_back(pair.module);
      if (pair.layer >= 0) {
        layers.insert(pair.layer);
      }
    }
    if (factors_.file) {
      for (const TensorView& view : factors_.file->tensors()) {
        bytes += static_cast<std::int64_t>(view.bytes.size());
        ++dtypes[std::string(name_of(view.dtype))];
      }
    }
    if (!names.empty()) {
      const std::string where = layers.empty() ? "" : fmt::format("; layers {}", ranges(layers));
      result_.fact("modules", fmt::format("{}: {}{}; rank {}", names.size(), describe_modules(names), where,
                                          fmt::join(ranks, ", ")));
      std::string types;
      for (const auto& [dtype, count] : dtypes) {
        types += (types.empty() ? "" : ", ") + dtype;
      }
      result_.fact("parameters", fmt::format("{} in {}, {}", grouped(parameters), types, size_text(bytes)));
    }
    result_.details["parameters"] = parameters;
    result_.details["bytes"] = bytes;
    result_.details["dtypes"] = dtypes;
    result_.details["other_tensors"] = Json::array();
    for (const TensorView* view : factors_.others) {
      result_.details["other_tensors"].push_back(
          {{"name", view->name}, {"dtype", name_of(view->dtype)}, {"shape", view->shape}});
    }
    if (!factors_.others.empty()) {
      result_.fact("", fmt::format("and {} tensor{} besides lora_A and lora_B, the first is {}",
                                   factors_.others.size(), factors_.others.size() == 1 ? "" : "s",
                                   printable(factors_.others.front()->name)));
    }
  }

  /// "0-29" or "0-3, 7".
  static std::string ranges(const std::set<int>& layers) {
    std::string text;
    for (auto layer = layers.begin(); layer != layers.end();) {
      const int first = *layer;
      int last = first;
      for (++layer; layer != layers.end() && *layer == last + 1; ++layer) {
        last = *layer;
      }
      text += fmt::format("{}{}{}", text.empty() ? "" : ", ", first,
                          last > first ? fmt::format("-{}", last) : "");
    }
    return text;
  }

  void check_values() {
    std::size_t zero_modules = 0;
    for (std::size_t i = 0; i < measured_.size(); ++i) {
      const FactorPair& pair = factors_.modules[i];
      const MeasuredModule& module = measured_[i];
      for (const auto& [view, finite] :
           {std::pair(pair.a, module.finite_a), std::pair(pair.b, module.finite_b)}) {
        if (!finite) {
          result_.problem(
              fmt::format("adapter_model.safetensors: {}: holds NaN or infinite values; take an earlier "
                          "checkpoint of the adapter",
                          printable(view->name)),
              "finite");
        }
      }
      if (!module.finite()) {
        continue;
      }
      const bool zero = module.norms.a == 0 || module.norms.b == 0 || pair.scale == 0;
      zero_modules += zero ? 1 : 0;
      if (zero && zero_names_.size() < 3) {
        zero_names_.push_back(pair.scale == 0       ? pair.module + " (scale 0)"
                              : module.norms.b == 0 ? printable(pair.b->name)
                                                    : printable(pair.a->name));
      }
    }
    result_.details["zero_modules"] = zero_modules;
    if (zero_modules > 0 && zero_modules == measured_.size()) {
      result_.problem(
          fmt::format("changes nothing: B A is zero in every module ({}); an adapter that was never "
                      "trained?",
                      zero_names_.front()));
    } else if (zero_modules > 0) {
      result_.warnings.push_back(fmt::format(
          "{} of {} modules change nothing, as a factor is all zeros: {}{}", zero_modules, measured_.size(),
          fmt::join(zero_names_, ", "), zero_modules > zero_names_.size() ? ", ..." : ""));
    }
  }

  void describe_norms() {
    double total = 0;
    double effective = 0;
    std::size_t finite = 0;
    std::size_t largest = 0;
    std::map<std::string, std::vector<std::size_t>> leaves;
    Json modules = Json::array();
    for (std::size_t i = 0; i < measured_.size(); ++i) {
      const UpdateNorms& norms = measured_[i].norms;
      modules.push_back(module_json(i));
      if (!measured_[i].finite()) {
        continue;
      }
      ++finite;
      total += norms.frobenius * norms.frobenius;
      effective += norms.effective_rank;
      largest = norms.spectral > measured_[largest].norms.spectral ? i : largest;
      leaves[std::string(leaf_of_module(factors_.modules[i].module))].push_back(i);
    }
    result_.details["frobenius"] = std::sqrt(total);
    result_.details["modules"] = std::move(modules);
    if (finite == 0) {
      return;
    }
    const std::string update = scale_known() ? "scale B A" : "B A (the scale is not known)";
    result_.fact(
        "update",
        fmt::format("{}: Frobenius norm {:.4g} over all modules; largest spectral norm {:.4g} "
                    "({}); effective rank {:.1f} on average",
                    update, std::sqrt(total), measured_[largest].norms.spectral,
                    printable(factors_.modules[largest].module), effective / static_cast<double>(finite)));
    describe_leaves(leaves);
  }

  bool scale_known() const {
    return std::all_of(factors_.modules.begin(), factors_.modules.end(),
                       [](const FactorPair& pair) { return pair.scale.has_value(); });
  }

  void describe_leaves(const std::map<std::string, std::vector<std::size_t>>& leaves) {
    std::vector<std::string> names;
    names.reserve(leaves.size());
    for (const auto& [leaf, modules] : leaves) {
      names.push_back(leaf);
    }
    std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return std::pair(order_of_leaf(a), a) < std::pair(order_of_leaf(b), b);
    });
    const bool relative = std::any_of(measured_.begin(), measured_.end(),
                                      [](const MeasuredModule& module) { return module.weight.has_value(); });
    result_.fact("norms", fmt::format("{:<12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{}", "mean of", "Frobenius",
                                      "largest", "spectral", "eff. rank", "||A||", "||B||",
                                      relative ? "     / ||W||" : ""));
    for (const std::string& name : names) {
      const std::vector<std::size_t>& places = leaves.at(name);
      const auto count = static_cast<double>(places.size());
      UpdateNorms mean;
      double most = 0;
      double share = 0;
      for (const std::size_t i : places) {
        const UpdateNorms& norms = measured_[i].norms;
        mean.frobenius += norms.frobenius / count;
        mean.spectral += norms.spectral / count;
        mean.effective_rank += norms.effective_rank / count;
        mean.a += norms.a / count;
        mean.b += norms.b / count;
        most = std::max(most, norms.frobenius);
        share += measured_[i].weight.value_or(0) > 0 ? norms.frobenius / *measured_[i].weight / count : 0;
      }
      result_.fact("", fmt::format("{:<12}{:>10.4g}{:>10.4g}{:>10.4g}{:>10.1f}{:>10.4g}{:>10.4g}{}", name,
                                   mean.frobenius, most, mean.spectral, mean.effective_rank, mean.a, mean.b,
                                   relative ? fmt::format("{:>12.3g}", share) : ""));
    }
  }

  Json module_json(std::size_t i) const {
    const FactorPair& pair = factors_.modules[i];
    const MeasuredModule& module = measured_[i];
    Json json{{"module", pair.module}, {"layer", pair.layer < 0 ? Json() : Json(pair.layer)},
              {"rank", pair.rank()},   {"in", pair.in()},
              {"out", pair.out()},     {"scale", pair.scale ? Json(*pair.scale) : Json()}};
    if (module.finite()) {
      json.update({{"frobenius", module.norms.frobenius},
                   {"spectral", module.norms.spectral},
                   {"effective_rank", module.norms.effective_rank},
                   {"a_norm", module.norms.a},
                   {"b_norm", module.norms.b}});
    }
    if (module.weight) {
      json["weight_norm"] = *module.weight;
      json["relative"] = *module.weight > 0 ? Json(module.norms.frobenius / *module.weight) : Json();
    }
    return json;
  }

  void draw() {
    HeatMap map;
    const bool relative =
        !measured_.empty() && std::all_of(measured_.begin(), measured_.end(),
                                          [](const auto& module) { return module.weight.value_or(0) > 0; });
    map.title = relative ? "Frobenius norm of scale B A, as a share of W's" : "Frobenius norm of scale B A";
    int last = -1;
    for (const FactorPair& pair : factors_.modules) {
      last = std::max(last, pair.layer);
    }
    constexpr int kMostLayers = 4096;
    last = std::min(last, kMostLayers);
    std::map<std::pair<int, std::string>, HeatMap::Row> rows;  // in the order of a layer
    for (std::size_t i = 0; i < measured_.size(); ++i) {
      const FactorPair& pair = factors_.modules[i];
      const std::string name(pair.layer < 0 ? std::string_view(pair.module) : leaf_of_module(pair.module));
      HeatMap::Row& row = rows[{pair.layer < 0 ? 1000 : order_of_leaf(name), name}];
      row.name = name;
      row.cells.resize(pair.layer < 0 ? 1 : static_cast<std::size_t>(last) + 1);
      const double value =
          relative ? measured_[i].norms.frobenius / *measured_[i].weight : measured_[i].norms.frobenius;
      const auto place = static_cast<std::size_t>(std::max(0, pair.layer));
      if (place < row.cells.size()) {
        row.cells[place] = measured_[i].finite() ? value : std::nan("");
      }
    }
    for (auto& [order, row] : rows) {
      map.rows.push_back(std::move(row));
    }
    result_.heat_map = std::move(map);
  }

  const fs::path& folder_;
  const Environment& environment_;
  Inspection result_;
  AdapterFactors factors_;
  std::vector<MeasuredModule> measured_;
  std::optional<BaseBinding> binding_;
  std::vector<std::string> zero_names_;
};

}  // namespace

Inspection inspect_adapter(const fs::path& folder, const std::string& base, const Environment& environment) {
  return AdapterInspector(folder, environment).inspect(base);
}

}  // namespace lore
