#pragma once

#include <string>
#include <vector>

#include "lore/recipe/yaml_tree.h"

namespace lore {

/// The key of an override `KEY=VALUE`; the whole text where there is no `=`.
std::string override_key(const std::string& assignment);

/// `root` with `assignment` (`dotted.key=value`, the value in YAML) carried out. What is new has the
/// place {source}. Mappings and lists on the way are made where they are missing. On a problem, adds it
/// and returns `root`.
YamlNodePtr apply_override(const YamlNodePtr& root, const std::string& assignment, int source,
                           std::vector<YamlProblem>& problems);

}  // namespace lore
