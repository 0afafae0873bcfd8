#include "lore/adapters/module_matching.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "lore/adapters/python_pattern.h"
#include "lore/core/error.h"
#include "lore/core/suggestion.h"
#include "lore/nn/model_parameters.h"

namespace lore {
namespace {

using Names = std::vector<std::string>;

bool is_suffix(const std::string& name, const std::string& item) {
  return name.size() > item.size() && name.ends_with(item) && name[name.size() - item.size() - 1] == '.';
}

bool listed(const std::string& name, const Names& items) {
  return std::any_of(items.begin(), items.end(),
                     [&](const std::string& item) { return name == item || is_suffix(name, item); });
}

class Matcher {
 public:
  explicit Matcher(const PeftConfig& config) : config_(config) {
    if (const auto* target = std::get_if<std::string>(&config.target_modules);
        target && !is_all_linear(*target)) {
      target_.emplace_back(*target);
    }
    if (const auto* excluded = std::get_if<std::string>(&config.exclude_modules)) {
      excluded_.emplace_back(*excluded);
    }
    for (const std::string& module : config.modules_to_save) {
      saved_.emplace_back(fmt::format(R"((^|.*\.){}($|\..*))", module));
    }
    for (const std::string& pattern : config.layers_pattern) {
      layers_.emplace_back(fmt::format(R"((?:^|.*?\.){}\.(?<idx>\d+)\.)", pattern));
    }
    if (layers_.empty()) {
      layers_.emplace_back(R"(.*?\.[^.]*\.(?<idx>\d+)\.)");
    }
  }

  bool matches(const std::string& name) const {
    if (!excluded_.empty() && excluded_.front().full_match(name)) {
      return false;
    }
    if (const auto* items = std::get_if<Names>(&config_.exclude_modules); items && listed(name, *items)) {
      return false;
    }
    if (std::any_of(saved_.begin(), saved_.end(), [&](const PythonPattern& p) { return p.match(name); })) {
      return false;
    }
    const auto* items = std::get_if<Names>(&config_.target_modules);
    if (items == nullptr) {
      return target_.empty() ? name != kHeadModule && name != kEmbeddingModule
                             : target_.front().full_match(name);
    }
    if (std::find(items->begin(), items->end(), name) != items->end()) {
      return true;
    }
    return listed(name, *items) && in_layers(name);
  }

 private:
  bool in_layers(const std::string& name) const {
    if (!config_.layers_to_transform || config_.layers_to_transform->empty()) {
      return true;
    }
    for (const PythonPattern& pattern : layers_) {
      const std::string index = pattern.match_index(name);
      if (!index.empty()) {
        const auto& wanted = *config_.layers_to_transform;
        return std::any_of(wanted.begin(), wanted.end(),
                           [&](std::int64_t layer) { return std::to_string(layer) == index; });
      }
    }
    return false;
  }

  const PeftConfig& config_;
  std::vector<PythonPattern> target_;
  std::vector<PythonPattern> excluded_;
  std::vector<PythonPattern> saved_;  ///< modules_to_save, which never get a low-rank update
  std::vector<PythonPattern> layers_;
};

/// Throws the error, or puts it down where there is a list for it.
void refuse(const Error& error, std::vector<std::string>* unused) {
  if (unused == nullptr) {
    throw error;
  }
  unused->push_back(error.what());
}

/// The first key of a rank or alpha pattern that matches a name, as PEFT's get_pattern_key finds it.
template <typename Value>
class PatternTable {
 public:
  explicit PatternTable(const std::vector<std::pair<std::string, Value>>& entries) : entries_(entries) {
    for (const auto& [key, value] : entries) {
      patterns_.emplace_back(fmt::format(R"((.*\.)?({})$)", key));
    }
    used_.resize(entries.size());
  }

  Value value_for(const std::string& name, Value otherwise) {
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      if (patterns_[i].match(name)) {
        used_[i] = true;
        return entries_[i].second;
      }
    }
    return otherwise;
  }

  void refuse_unused(const char* field, std::vector<std::string>* unused) const {
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i]) {
        refuse({ErrorKind::kUsage, fmt::format("{} \"{}\"", field, entries_[i].first),
                "matches no adapted module"},
               unused);
      }
    }
  }

 private:
  const std::vector<std::pair<std::string, Value>>& entries_;
  std::vector<PythonPattern> patterns_;
  std::vector<bool> used_;
};

Names leaf_names(const Names& linears) {
  std::set<std::string> leaves;
  for (const std::string& name : linears) {
    leaves.insert(name.substr(name.rfind('.') + 1));
  }
  return {leaves.begin(), leaves.end()};
}

/// Refuses list items that match nothing at all: a typo would silently adapt less than was asked for.
void refuse_unmatched_items(const PeftConfig& config, const Names& linears,
                            std::vector<std::string>* unused) {
  const auto* items = std::get_if<Names>(&config.target_modules);
  if (items == nullptr) {
    return;
  }
  const Names leaves = leaf_names(linears);
  for (const std::string& item : *items) {
    if (std::any_of(linears.begin(), linears.end(),
                    [&](const std::string& name) { return name == item || is_suffix(name, item); })) {
      continue;
    }
    const std::string near = nearest_name(item, leaves);
    refuse({ErrorKind::kUsage, fmt::format("target module \"{}\"", item),
            fmt::format("matches no module of this model{}; its modules are {}",
                        near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near),
                        fmt::join(leaves, ", "))},
           unused);
  }
}

}  // namespace

bool is_all_linear(const std::string& target) {
  std::string lower = target;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower == "all-linear";
}

double lora_scale(const PeftConfig& config, double alpha, std::int64_t rank) {
  const auto r = static_cast<double>(rank);
  return alpha / (config.use_rslora ? std::sqrt(r) : r);
}

std::vector<MatchedModule> match_modules(const PeftConfig& config, const Names& linears,
                                         std::vector<std::string>* unused) {
  if (std::holds_alternative<std::string>(config.target_modules) && config.layers_to_transform &&
      !config.layers_to_transform->empty()) {
    throw Error(ErrorKind::kUsage, "layers_to_transform", "cannot be used when target_modules is a string");
  }
  PeftConfig resolved = config;
  if (std::holds_alternative<std::monostate>(config.target_modules)) {
    resolved.target_modules = Names{"q_proj", "v_proj"};  // PEFT's default for all four families
  }
  refuse_unmatched_items(resolved, linears, unused);
  const Matcher matcher(resolved);
  PatternTable<std::int64_t> ranks(resolved.rank_pattern);
  PatternTable<double> alphas(resolved.alpha_pattern);
  std::vector<MatchedModule> matched;
  for (std::size_t i = 0; i < linears.size(); ++i) {
    if (!matcher.matches(linears[i])) {
      continue;
    }
    const std::int64_t rank = ranks.value_for(linears[i], resolved.r);
    const double alpha = alphas.value_for(linears[i], resolved.lora_alpha);
    matched.push_back({i, rank, alpha, lora_scale(resolved, alpha, rank)});
  }
  if (matched.empty()) {
    throw Error(ErrorKind::kUsage, "target_modules",
                fmt::format("match no module of this model; its modules are {}",
                            fmt::join(leaf_names(linears), ", ")));
  }
  ranks.refuse_unused("rank_pattern", unused);
  alphas.refuse_unused("alpha_pattern", unused);
  return matched;
}

}  // namespace lore
