#include "lore/tasks/inspect_difference.h"

#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "lore/adapters/update_norms.h"
#include "lore/core/printable.h"
#include "lore/formats/json_file.h"
#include "lore/tasks/adapter_factors.h"
#include "lore/tasks/weight_norms.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Differences that are shown each, the largest first.
constexpr std::size_t kShown = 20;

/// One thing that both have.
struct Change {
  std::string name;
  double relative = 0;
  double cosine = 0;
  bool finite = true;
};

/// Whether a value means that a key is not set.
bool says_nothing(const Json& value) {
  return value.is_null() || value == false || (value.is_structured() && value.empty()) || value == "";
}

/// "r: 8 -> 16" for each key whose value is another one.
std::vector<std::string> key_differences(const Json& a, const Json& b, Json& details) {
  std::set<std::string> keys;
  for (const Json* json : {&a, &b}) {
    for (const auto& [key, value] : json->items()) {
      keys.insert(key);
    }
  }
  std::vector<std::string> differences;
  details["config"] = Json::object();
  for (const std::string& key : keys) {
    const Json left = a.value(key, Json());
    const Json right = b.value(key, Json());
    if (left == right || (says_nothing(left) && says_nothing(right))) {
      continue;
    }
    details["config"][key] = {left, right};
    differences.push_back(fmt::format("{}: {} and {}", printable(key), printable(left.dump(), 200),
                                      printable(right.dump(), 200)));
  }
  return differences;
}

Json object_of(const fs::path& file) {
  Json json = fs::exists(file) ? read_ordered_json_file(file) : Json::object();
  return json.is_object() ? json : Json::object();
}

/// Puts a list of names down as one fact, cut.
void list_names(const char* label, const std::vector<std::string>& names, const std::string& what,
                Inspection& result) {
  if (names.empty()) {
    return;
  }
  const std::size_t shown = std::min<std::size_t>(names.size(), 3);
  result.fact(
      label,
      fmt::format(
          "{} {}: {}{}", names.size(), what,
          printable(fmt::format("{}", fmt::join(names.begin(),
                                                names.begin() + static_cast<std::ptrdiff_t>(shown), ", ")),
                    400),
          shown < names.size() ? ", ..." : ""));
}

/// What cannot be compared: things of one side alone, and those whose shapes differ.
void list_unshared(const std::vector<std::string>& only_a, const std::vector<std::string>& only_b,
                   const std::vector<std::string>& reshaped, const std::string& what, Inspection& result) {
  list_names("only in a", only_a, what, result);
  list_names("only in b", only_b, what, result);
  list_names("shapes", reshaped, what + " of other shapes", result);
  result.details["only_a"] = only_a;
  result.details["only_b"] = only_b;
  result.details["other_shapes"] = reshaped;
}

void describe_changes(std::vector<Change> changes, const char* what, Inspection& result) {
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return std::pair(!a.finite, a.relative) > std::pair(!b.finite, b.relative);
  });
  Json list = Json::array();
  std::size_t same = 0;
  for (const Change& change : changes) {
    const bool number = change.finite && std::isfinite(change.relative);
    list.push_back({{"name", change.name},
                    {"relative", number ? Json(change.relative) : Json()},
                    {"cosine", change.finite ? Json(change.cosine) : Json()}});
    same += change.finite && change.relative == 0 ? 1 : 0;
  }
  result.details["common"] = std::move(list);
  result.fact("common", fmt::format("{} {}, {} of them the same", changes.size(), what, same));
  std::size_t width = 0;
  for (std::size_t i = 0; i < std::min(kShown, changes.size()); ++i) {
    width = std::max(width, changes[i].name.size());
  }
  std::size_t shown = 0;
  for (const Change& change : changes) {
    if (change.finite && change.relative == 0) {
      continue;
    }
    if (shown == 0) {
      result.fact("largest", fmt::format("{:<{}}  ||a-b||/||a||   cosine", "", width));
    }
    if (shown == kShown) {
      result.fact("", fmt::format("and {} more", changes.size() - same - kShown));
      break;
    }
    result.fact("", change.finite
                        ? fmt::format("{:<{}}  {:>13.4g}  {:>7.4f}", printable(change.name, 400), width,
                                      change.relative, change.cosine)
                        : fmt::format("{:<{}}  NaN or infinite values", printable(change.name, 400), width));
    ++shown;
  }
}

void conclude(bool identical, Inspection& result) {
  result.details["identical"] = identical;
  result.fact("verdict", identical ? "identical" : "different");
}

Inspection begin(const char* kind, const fs::path& a, const fs::path& b) {
  Inspection result;
  result.kind = kind;
  result.path = a.string();
  result.fact("a", a.string());
  result.fact("b", b.string());
  result.details["a"] = a.string();
  result.details["b"] = b.string();
  return result;
}

Change compare_pair(const FactorPair& a, const FactorPair& b) {
  Change change;
  change.name = a.module;
  const std::array factors{read_factor(*a.a), read_factor(*a.b), read_factor(*b.a), read_factor(*b.b)};
  change.finite = std::all_of(factors.begin(), factors.end(), [](const at::Tensor& factor) {
    return at::isfinite(factor).all().item<bool>();
  });
  if (change.finite) {
    const UpdateDifference difference = compare_updates(factors[0], factors[1], a.scale.value_or(1),
                                                        factors[2], factors[3], b.scale.value_or(1));
    change.relative = difference.relative();
    change.cosine = difference.cosine;
  }
  return change;
}

}  // namespace

Inspection compare_adapters(const fs::path& a, const fs::path& b) {
  Inspection result = begin("difference of adapters", a, b);
  Inspection found_a;
  Inspection found_b;
  found_a.path = a.string();
  found_b.path = b.string();
  const AdapterFactors left = AdapterFactors::open(a, found_a);
  const AdapterFactors right = AdapterFactors::open(b, found_b);
  result.add_findings(found_a, "a");
  result.add_findings(found_b, "b");
  if (!left.file || !right.file) {
    conclude(false, result);
    return result;
  }
  const std::vector<std::string> keys = key_differences(object_of(a / "adapter_config.json"),
                                                        object_of(b / "adapter_config.json"), result.details);
  for (const std::string& key : keys) {
    result.fact(&key == &keys.front() ? "config" : "", key);
  }
  std::map<std::string, const FactorPair*> others;
  for (const FactorPair& pair : right.modules) {
    others[pair.module] = &pair;
  }
  std::vector<std::pair<const FactorPair*, const FactorPair*>> common;
  std::vector<std::string> only_a;
  std::vector<std::string> reshaped;
  for (const FactorPair& pair : left.modules) {
    const auto other = others.find(pair.module);
    if (other == others.end()) {
      only_a.push_back(pair.module);
      continue;
    }
    if (pair.in() == other->second->in() && pair.out() == other->second->out()) {
      common.emplace_back(&pair, other->second);
    } else {
      reshaped.push_back(pair.module);
    }
    others.erase(other);
  }
  std::vector<std::string> only_b;
  for (const FactorPair& pair : right.modules) {
    if (others.contains(pair.module)) {
      only_b.push_back(pair.module);
    }
  }
  // One after another: LAPACK waits for itself for ever when QR is called from several threads.
  std::vector<Change> changes;
  changes.reserve(common.size());
  for (const auto& [pair_a, pair_b] : common) {
    changes.push_back(compare_pair(*pair_a, *pair_b));
  }
  list_unshared(only_a, only_b, reshaped, "modules", result);
  const bool same_updates = std::all_of(changes.begin(), changes.end(), [](const Change& change) {
    return change.finite && change.relative == 0;
  });
  describe_changes(std::move(changes), "modules", result);
  conclude(same_updates && keys.empty() && only_a.empty() && only_b.empty() && reshaped.empty(), result);
  return result;
}

Inspection compare_models(const fs::path& a, const fs::path& b, const Environment& environment) {
  Inspection result = begin("difference of models", a, b);
  const std::unique_ptr<WeightSource> left = open_weights(a);
  const std::unique_ptr<WeightSource> right = open_weights(b);
  const std::vector<std::string> keys =
      fs::is_directory(a) && fs::is_directory(b)
          ? key_differences(object_of(a / "config.json"), object_of(b / "config.json"), result.details)
          : std::vector<std::string>();
  for (const std::string& key : keys) {
    result.fact(&key == &keys.front() ? "config" : "", key);
  }
  std::map<std::string, std::vector<std::int64_t>> others;
  for (ParameterShape& parameter : model_parameters(right->config())) {
    others[parameter.name] = std::move(parameter.shape);
  }
  std::vector<std::string> only_a;
  std::vector<std::string> reshaped;
  std::vector<Change> changes;
  for (const ParameterShape& parameter : model_parameters(left->config())) {
    if (*environment.signal != 0) {
      break;
    }
    const auto other = others.find(parameter.name);
    if (other == others.end()) {
      only_a.push_back(parameter.name);
      continue;
    }
    if (other->second != parameter.shape) {
      reshaped.push_back(parameter.name);
    } else {
      const TensorDifference difference = compare_tensors(*left, *right, parameter);
      changes.push_back(
          {parameter.name, difference.relative(), difference.cosine(), std::isfinite(difference.difference)});
    }
    others.erase(other);
  }
  std::vector<std::string> only_b;
  only_b.reserve(others.size());
  for (const auto& [name, shape] : others) {
    only_b.push_back(name);
  }
  list_unshared(only_a, only_b, reshaped, "tensors", result);
  const bool same = std::all_of(changes.begin(), changes.end(),
                                [](const Change& change) { return change.finite && change.relative == 0; });
  describe_changes(std::move(changes), "tensors", result);
  conclude(same && only_a.empty() && only_b.empty() && reshaped.empty(), result);
  return result;
}

}  // namespace lore
