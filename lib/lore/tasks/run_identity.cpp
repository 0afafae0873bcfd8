#include "lore/tasks/run_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/core/error.h"
#include "lore/core/suggestion.h"
#include "lore/recipe/json_values.h"
#include "lore/recipe/writer.h"
#include "lore/tasks/library_code.h"
#include "lore/tasks/provenance.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

/// Whether `section` is `key` or holds it.
bool covers(const std::string& section, const std::string& key) {
  return key == section || (key.starts_with(section) && key[section.size()] == '.');
}

/// Keys of a recipe that change where things are kept or shown, and not what is trained; the content of files
/// is compared by their hashes.
bool is_beside_the_point(const std::string& key) {
  const bool data_path = key.starts_with("data.") && key.ends_with(".path");
  const auto covers_key = [&](const char* section) { return covers(section, key); };
  constexpr std::array kSections{"output_dir",
                                 "model.path",
                                 "data.cache_dir",
                                 "training.logging_steps",
                                 "training.checkpoint_every_steps",
                                 "training.keep_last",
                                 "training.keep_best",
                                 "training.keep_every",
                                 "training.on_nonfinite",
                                 "evaluation.suites",
                                 "evaluation.gates"};
  return data_path || std::ranges::any_of(kSections, covers_key);
}

void flatten(const std::string& prefix, const Json& value, RunIdentity& result) {
  if (value.is_object() || (value.is_array() && !value.empty() && value[0].is_structured())) {
    std::size_t place = 0;
    for (const auto& [key, element] : value.items()) {
      const std::string name = value.is_array() ? std::to_string(place++) : key;
      flatten(prefix.empty() ? name : prefix + "." + name, element, result);
    }
  } else if (!is_beside_the_point(prefix)) {
    result[prefix] = flow_yaml(value);
  }
}

bool is_allowed(const std::string& key, const std::vector<std::string>& allowed) {
  return std::ranges::any_of(allowed, [&](const std::string& section) { return covers(section, key); });
}

}  // namespace

RunIdentity run_identity(const Recipe& recipe, const Json& hashes, const std::string& dtype,
                         const Environment& environment) {
  RunIdentity result;
  flatten("", to_json(recipe), result);
  const Json versions = Provenance::versions();
  for (const char* part : {"lore", "torch", "compiler"}) {
    result[fmt::format("build.{}", part)] = versions.at(part).get<std::string>();
  }
  result["build.code"] = library_code();
  result["cpu_capability"] = versions.at("cpu_capability").get<std::string>();
  result["threads"] = std::to_string(environment.threads);
  result["dtype"] = dtype;
  result["base.sha256"] = hashes.at("base").at("sha256").get<std::string>();
  result["tokenizer.sha256"] = hashes.at("tokenizer_sha256").get<std::string>();
  result["chat_template.sha256"] = flow_yaml(hashes.at("chat_template_sha256"));
  std::size_t place = 0;
  for (const Json& file : hashes.at("data")) {
    const std::string key = fmt::format("data.files.{}.{} {}", file.at("split").get<std::string>(), place++,
                                        file.at("file").get<std::string>());
    result[key] = file.at("sha256").get<std::string>();
  }
  return result;
}

std::vector<std::string> identity_differences(const RunIdentity& before, const RunIdentity& now,
                                              const std::vector<std::string>& allowed) {
  std::set<std::string> keys;
  for (const RunIdentity* identity : {&before, &now}) {
    for (const auto& [key, value] : *identity) {
      keys.insert(key);
    }
  }
  const auto shown = [](const RunIdentity& identity, const std::string& key) {
    const auto found = identity.find(key);
    return found == identity.end() ? "unset" : found->second;
  };
  std::vector<std::string> differences;
  for (const std::string& key : keys) {
    const std::string old_value = shown(before, key);
    const std::string new_value = shown(now, key);
    if (old_value != new_value && !is_allowed(key, allowed)) {
      differences.push_back(fmt::format("{}: was {}, is {}", key, old_value, new_value));
    }
  }
  return differences;
}

void check_allowed(const RunIdentity& before, const RunIdentity& now,
                   const std::vector<std::string>& allowed) {
  for (const std::string& section : allowed) {
    std::vector<std::string> keys;
    for (const RunIdentity* identity : {&before, &now}) {
      for (const auto& [key, value] : *identity) {
        keys.push_back(key);
      }
    }
    if (std::ranges::none_of(keys, [&](const std::string& key) { return covers(section, key); })) {
      throw Error(ErrorKind::kUsage, "--resume-anyway",
                  fmt::format("'{}' is nothing that is compared{}", section, did_you_mean(section, keys)));
    }
  }
}

}  // namespace lore
