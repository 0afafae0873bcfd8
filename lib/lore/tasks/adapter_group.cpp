#include "lore/tasks/adapter_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/adapters/adapter_linears.h"
#include "lore/adapters/adapter_writer.h"
#include "lore/adapters/low_rank_products.h"
#include "lore/core/error.h"
#include "lore/formats/safetensors.h"
#include "lore/formats/tensors_digest.h"
#include "lore/tasks/base_model.h"

namespace lore {
namespace {

/// An exact sum this much smaller than its terms is none.
constexpr double kCancelled = 1e-6;

/// "terms/adapter" for a run's folder, so that two runs' adapters have two names.
std::string adapter_name(const std::string& folder) {
  const std::string name = base_name(folder, folder);
  const std::filesystem::path absolute = std::filesystem::absolute(folder).lexically_normal();
  const std::filesystem::path run =
      (absolute.has_filename() ? absolute : absolute.parent_path()).parent_path();
  return (name == "adapter" || name == "best") && run.has_filename() ? run.filename().string() + "/" + name
                                                                     : name;
}

void refuse_what_cannot_be_added(const std::string& folder) {
  std::vector<std::string> told_with_the_adapter;
  const PeftConfig config =
      read_adapter_config(std::filesystem::path(folder) / "adapter_config.json", told_with_the_adapter);
  const auto refuse = [&](const char* key, const char* why) {
    throw Error(ErrorKind::kInput, fmt::format("{}/adapter_config.json: {}", folder, key), why);
  };
  if (config.use_dora) {
    refuse("use_dora",
           "a DoRA adapter scales the rows of the weight it is on, so its update is no sum that can be "
           "weighted; "
           "merge it into the base alone with lore merge, then add the others");
  }
  if (!config.modules_to_save.empty()) {
    refuse(
        "modules_to_save",
        "whole modules replace the base's and cannot be added up; merge this adapter alone with lore merge");
  }
  if (config.bias != "none" || config.lora_bias) {
    refuse("bias", "trained biases cannot be added up; merge this adapter alone with lore merge");
  }
}

/// Whatever else an adapter brings along would be lost without a word.
void refuse_other_tensors(const StoredAdapter& adapter) {
  std::set<std::string> known;
  for (const StoredParameter& copy : adapter.base_copies()) {
    known.insert(copy.view.name);
  }
  const SafetensorsFile file = SafetensorsFile::open(adapter.weights_file());
  for (const TensorView& view : file.tensors()) {
    if (!view.name.ends_with(".lora_A.weight") && !view.name.ends_with(".lora_B.weight") &&
        !known.contains(view.name)) {
      throw Error(
          ErrorKind::kInput, fmt::format("{}: {}", adapter.weights_file().string(), view.name),
          "is no low-rank matrix of a linear and cannot be added up; merge this adapter alone with lore "
          "merge");
    }
  }
}

void refuse_zero(const StoredAdapter& adapter, const std::string& folder) {
  for (const StoredLowRank& module : adapter.modules()) {
    const LowRank low_rank = adapter.read(module);
    if (low_rank.scale != 0 && low_rank.a.any().item<bool>() && low_rank.b.any().item<bool>()) {
      return;
    }
  }
  throw Error(ErrorKind::kRefused, folder,
              "changes nothing: B A is zero in every module (an adapter that was never trained?)");
}

/// Sums of inner products between the updates and with the result, over the modules seen.
class Products {
 public:
  explicit Products(const AdapterGroup& group) : group_(group) {
    const std::size_t count = group.parts.size() + 1;
    sums_.assign(count, std::vector<double>(count));
  }

  void add(const std::vector<WeightedLowRank>& parts, const LowRank& result) {
    std::vector<std::pair<std::size_t, const LowRank*>> updates;
    updates.reserve(parts.size() + 1);
    for (const WeightedLowRank& part : parts) {
      updates.emplace_back(part.adapter, &part.low_rank);
    }
    updates.emplace_back(group_.parts.size(), &result);
    for (const auto& [i, first] : updates) {
      for (const auto& [j, second] : updates) {
        if (j >= i) {
          sums_[i][j] += inner_product(*first, *second);
        }
      }
    }
  }

  CombinationStatistics statistics() const {
    const std::size_t count = group_.parts.size();
    CombinationStatistics statistics;
    statistics.cosines.assign(count, std::vector<double>(count, 1));
    for (std::size_t i = 0; i < count; ++i) {
      statistics.norms.push_back(std::sqrt(std::max(0.0, at(i, i))));
      for (std::size_t j = 0; j < count; ++j) {
        const double norms = std::sqrt(at(i, i) * at(j, j));
        statistics.cosines[i][j] = norms > 0 ? at(i, j) / norms : 0;
      }
    }
    std::vector<double> signs;
    for (const AdapterGroup::Part& part : group_.parts) {
      signs.push_back(part.weight);
    }
    signs.push_back(0);
    statistics.sum_norm = norm(signs);
    statistics.result_norm = std::sqrt(std::max(0.0, at(count, count)));
    signs.back() = -1;
    statistics.relative_error = statistics.sum_norm > 0 ? norm(signs) / statistics.sum_norm : 0;
    return statistics;
  }

 private:
  double at(std::size_t i, std::size_t j) const { return sums_[std::min(i, j)][std::max(i, j)]; }

  double norm(const std::vector<double>& weights) const {
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (std::size_t j = 0; j < weights.size(); ++j) {
        sum += weights[i] * weights[j] * at(i, j);
      }
    }
    return std::sqrt(std::max(0.0, sum));
  }

  const AdapterGroup& group_;
  std::vector<std::vector<double>> sums_;
};

void refuse_cancelled(const AdapterGroup& group, const CombinationStatistics& statistics, double wanted) {
  double terms = 0;
  for (std::size_t i = 0; i < group.parts.size(); ++i) {
    terms += std::abs(group.parts[i].weight) * statistics.norms[i];
  }
  if (wanted <= kCancelled * terms) {
    throw Error(ErrorKind::kRefused, "combination",
                "is zero: with these weights the updates cancel out; nothing was written");
  }
}

/// Whether the targets are leaf names that hold for every layer.
bool is_plain(const PeftConfig& config) {
  const auto* items = std::get_if<std::vector<std::string>>(&config.target_modules);
  const bool leaves =
      items == nullptr || std::none_of(items->begin(), items->end(), [](const std::string& item) {
        return item.find('.') != std::string::npos;
      });
  return leaves && !std::holds_alternative<std::string>(config.target_modules) &&
         !config.layers_to_transform && std::holds_alternative<std::monostate>(config.exclude_modules);
}

std::vector<std::string> names_of(const std::vector<LinearShape>& linears) {
  std::vector<std::string> names;
  names.reserve(linears.size());
  for (const LinearShape& linear : linears) {
    names.push_back(linear.name);
  }
  return names;
}

PeftConfig combined_config(const AdapterGroup& group, std::int64_t rank) {
  PeftConfig config = group.parts.front().adapter.config();
  const bool plain = std::all_of(group.parts.begin(), group.parts.end(), [](const AdapterGroup::Part& part) {
    return is_plain(part.adapter.config());
  });
  std::vector<std::string> names = names_of(group.modules);
  if (plain) {
    names = exact_targets(names, group.linear_names);
  } else {
    std::sort(names.begin(), names.end());
  }
  config.r = rank;
  config.lora_alpha = static_cast<double>(rank);
  config.use_rslora = false;
  config.init_lora_weights = true;
  config.target_modules = names;
  config.exclude_modules = {};
  config.layers_to_transform.reset();
  config.layers_pattern.clear();
  config.rank_pattern.clear();
  config.alpha_pattern.clear();
  return config;
}

/// The rank that every module of the result gets.
std::int64_t result_rank(const AdapterGroup& group, const Combination& combination, std::int64_t svd_rank) {
  std::vector<std::vector<std::int64_t>> ranks(group.modules.size());
  for (const AdapterGroup::Part& part : group.parts) {
    for (std::size_t i = 0; i < part.places.size(); ++i) {
      ranks[part.places[i]].push_back(part.adapter.modules()[i].rank());
    }
  }
  const bool needs_equal = !is_svd(combination.method) && combination.method != CombinationMethod::kCat;
  std::int64_t largest = 0;
  for (std::size_t module = 0; module < ranks.size(); ++module) {
    const auto [low, high] = std::minmax_element(ranks[module].begin(), ranks[module].end());
    if (needs_equal && *low != *high) {
      throw Error(
          ErrorKind::kUsage, fmt::format("--method {}", name_of(combination.method)),
          fmt::format("adds A and B apart and needs equal ranks, and {} has rank {} in one adapter and "
                      "{} in another; use cat (exact) or {}",
                      group.modules[module].name, *low, *high,
                      combination.method == CombinationMethod::kLinear
                          ? "svd"
                          : fmt::format("{}_svd", name_of(combination.method))));
    }
    largest = std::max(largest, combined_rank(combination.method, ranks[module],
                                              svd_rank > 0 ? svd_rank : group.largest_rank()));
  }
  return largest;
}

}  // namespace

AdapterGroup AdapterGroup::open(std::span<const WeightedAdapter> adapters,
                                std::span<const LinearShape> linears, std::vector<std::string>& warnings) {
  AdapterGroup group;
  std::map<std::string, std::size_t> places;
  std::set<std::string> seen;
  group.parts.reserve(adapters.size());
  for (const WeightedAdapter& given : adapters) {
    if (std::filesystem::is_directory(given.folder)) {
      refuse_what_cannot_be_added(given.folder);
    }
    const std::vector<LinearShape> own =
        linears.empty() ? adapter_linears(given.folder) : std::vector(linears.begin(), linears.end());
    Part part{adapter_name(given.folder),
              given.folder,
              given.weight,
              StoredAdapter::open(given.folder, own, warnings),
              read_base_binding(given.folder),
              {}};
    refuse_other_tensors(part.adapter);
    refuse_zero(part.adapter, given.folder);
    for (const LinearShape& linear : own) {
      if (seen.insert(linear.name).second) {
        group.linear_names.push_back(linear.name);
      }
    }
    for (const StoredLowRank& module : part.adapter.modules()) {
      const LinearShape& linear = own[module.linear];
      const auto [place, is_new] = places.emplace(linear.name, group.modules.size());
      if (is_new) {
        group.modules.push_back(linear);
      }
      const LinearShape& known = group.modules[place->second];
      if (known.out != linear.out || known.in != linear.in) {
        throw Error(ErrorKind::kInput, given.folder,
                    fmt::format("{} is [{},{}] here and [{},{}] in an adapter before it: they are for models "
                                "of different shapes",
                                linear.name, linear.out, linear.in, known.out, known.in));
      }
      part.places.push_back(place->second);
    }
    group.parts.push_back(std::move(part));
  }
  return group;
}

std::vector<WeightedLowRank> AdapterGroup::read(std::size_t module) const {
  std::vector<WeightedLowRank> result;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto found = std::find(parts[i].places.begin(), parts[i].places.end(), module);
    if (found != parts[i].places.end()) {
      const auto place = static_cast<std::size_t>(found - parts[i].places.begin());
      result.push_back({i, parts[i].weight, parts[i].adapter.read(parts[i].adapter.modules()[place])});
    }
  }
  return result;
}

std::int64_t AdapterGroup::largest_rank() const {
  std::int64_t largest = 0;
  for (const Part& part : parts) {
    for (const StoredLowRank& module : part.adapter.modules()) {
      largest = std::max(largest, module.rank());
    }
  }
  return largest;
}

std::optional<CombinedAdapter> write_combination(const AdapterGroup& group, const Combination& combination,
                                                 std::int64_t svd_rank, const std::filesystem::path& folder,
                                                 const ModuleProgress& progress) {
  const std::int64_t rank = result_rank(group, combination, svd_rank);
  CombinedAdapter combined{combined_config(group, rank), group.modules.size(), 0, {}};
  std::vector<AdapterWriter::Module> modules;
  modules.reserve(group.modules.size());
  for (const LinearShape& linear : group.modules) {
    modules.push_back({linear, rank});
    combined.parameters += rank * (linear.in + linear.out);
  }
  AdapterWriter writer(folder, combined.config, modules);
  Products products(group);
  for (std::size_t module = 0; module < group.modules.size(); ++module) {
    if (!progress(module, group.modules.size())) {
      return std::nullopt;
    }
    const std::vector<WeightedLowRank> parts = group.read(module);
    const LowRank result = combine(parts, combination, rank, module);
    products.add(parts, result);
    writer.write(module, result);
  }
  writer.finish();
  combined.statistics = products.statistics();
  refuse_cancelled(group, combined.statistics, combined.statistics.sum_norm);
  refuse_cancelled(group, combined.statistics, combined.statistics.result_norm);
  return combined;
}

nlohmann::ordered_json parts_json(const AdapterGroup& group) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const AdapterGroup::Part& part : group.parts) {
    const TensorsDigest digest = digest_tensors({part.adapter.weights_file()});
    const PeftConfig& config = part.adapter.config();
    list.push_back({{"name", part.name},
                    {"weight", part.weight},
                    {"sha256", digest.sha256},
                    {"tensors", digest.tensors},
                    {"bytes", digest.bytes},
                    {"r", config.r},
                    {"lora_alpha", config.lora_alpha},
                    {"use_rslora", config.use_rslora},
                    {"modules", part.adapter.modules().size()}});
  }
  return list;
}

std::optional<BaseBinding> common_binding(const AdapterGroup& group, bool allow_mismatch,
                                          std::vector<std::string>& warnings) {
  const AdapterGroup::Part* first = nullptr;
  bool agree = true;
  for (const AdapterGroup::Part& part : group.parts) {
    if (!part.binding) {
      warnings.push_back(fmt::format(
          "{} does not record the base it was made on (no lore_manifest.json), so a wrong one cannot be told",
          part.folder));
      continue;
    }
    if (first == nullptr) {
      first = &part;
      continue;
    }
    const std::string difference =
        base_difference(*part.binding, first->binding->name, first->binding->digest);
    if (difference.empty()) {
      continue;
    }
    const std::string text = fmt::format("{}; that is the base of {}", difference, first->folder);
    if (!allow_mismatch) {
      throw Error(ErrorKind::kRefused, part.folder,
                  text +
                      "; adapters of different bases do not add up (--allow-base-mismatch combines them all "
                      "the same)");
    }
    warnings.push_back(
        fmt::format("{}: {}; combining all the same (--allow-base-mismatch)", part.folder, text));
    agree = false;
  }
  return first != nullptr && agree ? first->binding : std::nullopt;
}

}  // namespace lore
