#include "lore/adapters/trained_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "lore/core/error.h"
#include "lore/core/suggestion.h"

namespace lore {
namespace {

constexpr const char* kStoredPrefix = "base_model.model.";

std::string module_of(const std::string& parameter) { return parameter.substr(0, parameter.rfind('.')); }

bool is_inside(const std::string& name, const std::string& module) {
  return name == module || name.starts_with(module + ".");
}

bool is_bias(const std::string& parameter) { return parameter.ends_with(".bias"); }

/// The model's parameters and, for a tied head, the one it would have.
std::vector<ParameterShape> all_parameters(const LlamaConfig& model) {
  std::vector<ParameterShape> parameters = model_parameters(model);
  if (model.tie_word_embeddings) {
    parameters.push_back({std::string(kHeadModule) + ".weight", {model.vocab_size, model.hidden_size}});
  }
  return parameters;
}

/// Every module that holds parameters, from "model" down to the last linear.
std::set<std::string> all_modules(const std::vector<ParameterShape>& parameters) {
  std::set<std::string> modules;
  for (const ParameterShape& parameter : parameters) {
    for (std::size_t dot = parameter.name.find('.'); dot != std::string::npos;
         dot = parameter.name.find('.', dot + 1)) {
      modules.insert(parameter.name.substr(0, dot));
    }
  }
  return modules;
}

[[noreturn]] void refuse(const std::string& item, std::string message) {
  throw Error(ErrorKind::kUsage, fmt::format("modules_to_save \"{}\"", item), std::move(message));
}

[[noreturn]] void refuse_unmatched(const std::string& item, const std::set<std::string>& modules) {
  std::set<std::string> leaves;
  for (const std::string& module : modules) {
    const std::string leaf = module.substr(module.rfind('.') + 1);
    if (!std::all_of(leaf.begin(), leaf.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      leaves.insert(leaf);
    }
  }
  const std::string near = nearest_name(item, std::vector<std::string>(leaves.begin(), leaves.end()));
  refuse(item, fmt::format("matches no module of this model that has weights{}; its modules are {}",
                           near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near),
                           fmt::join(leaves, ", ")));
}

/// The modules to be trained whole, none inside another.
std::set<std::string> saved_modules(const PeftConfig& config, const std::vector<ParameterShape>& parameters,
                                    const std::vector<std::string>& adapted) {
  const std::set<std::string> modules = all_modules(parameters);
  std::set<std::string> saved;
  for (const std::string& item : config.modules_to_save) {
    bool matches = false;
    for (const std::string& module : modules) {
      if (item.empty() || !module.ends_with(item)) {
        continue;
      }
      matches = true;
      saved.insert(module);
      for (const std::string& other : adapted) {
        if (is_inside(other, module)) {
          refuse(item,
                 fmt::format("trains {} whole, and target_modules puts a low-rank update on {}; name the "
                             "modules so that only one of the two holds",
                             module, other));
        }
      }
    }
    if (!matches) {
      refuse_unmatched(item, modules);
    }
  }
  for (const std::string& outer : saved) {
    for (const std::string& inner : saved) {
      if (inner != outer && is_inside(inner, outer)) {
        refuse(inner, fmt::format("is a part of {}, which is trained whole already", outer));
      }
    }
  }
  return saved;
}

}  // namespace

std::vector<TrainedPart> trained_parts(const PeftConfig& config, const LlamaConfig& model,
                                       const std::vector<std::string>& adapted) {
  const std::vector<ParameterShape> parameters = all_parameters(model);
  const std::set<std::string> saved = saved_modules(config, parameters, adapted);
  std::vector<TrainedPart> parts;
  for (const ParameterShape& parameter : parameters) {
    const std::string& name = parameter.name;
    const bool is_saved = std::any_of(saved.begin(), saved.end(),
                                      [&](const std::string& module) { return is_inside(name, module); });
    const std::string module = module_of(name);
    const bool is_adapted = std::find(adapted.begin(), adapted.end(), module) != adapted.end();
    if (is_saved) {
      parts.push_back({parameter, kStoredPrefix + name});
    } else if (is_bias(name) && (config.bias == "all" || (config.bias == "lora_only" && is_adapted))) {
      parts.push_back({parameter, kStoredPrefix + (is_adapted ? module + ".base_layer.bias" : name)});
    }
  }
  return parts;
}

std::vector<std::string> trained_part_warnings(const PeftConfig& config, const LlamaConfig& model,
                                               const std::vector<std::string>& adapted) {
  std::vector<std::string> warnings;
  const std::vector<TrainedPart> parts = trained_parts(config, model, adapted);
  const auto trains = [&](const std::string& module) {
    return std::find(adapted.begin(), adapted.end(), module) != adapted.end() ||
           std::any_of(parts.begin(), parts.end(),
                       [&](const TrainedPart& part) { return part.parameter.name == module + ".weight"; });
  };
  const bool has_bias = std::any_of(parts.begin(), parts.end(),
                                    [](const TrainedPart& part) { return is_bias(part.parameter.name); });
  if (config.bias != "none" && !has_bias) {
    warnings.push_back(fmt::format("bias: {} trains nothing: {} of this model has a bias", config.bias,
                                   config.bias == "all" ? "no module" : "no adapted module"));
  }
  if (model.tie_word_embeddings && (trains(kEmbeddingModule) || trains(kHeadModule))) {
    warnings.push_back(
        "the output head is tied to the embeddings, and what is trained of one does not change the other: "
        "the "
        "two drift apart, and merging writes both (tie_word_embeddings false)");
  }
  return warnings;
}

}  // namespace lore
