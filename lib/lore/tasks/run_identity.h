#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"

namespace lore {

/// All that decides the bytes of an adapter, as dotted keys with their values in YAML: the recipe without
/// what only says where things are kept, the content of data and base, threads, processor and build.
using RunIdentity = std::map<std::string, std::string>;

/// `hashes` as Provenance::hashes; `dtype` is the one that the base is computed in.
RunIdentity run_identity(const Recipe& recipe, const nlohmann::ordered_json& hashes, const std::string& dtype,
                         const Environment& environment);

/// In what `now` differs from `before`, a line each: "training.seed: was 42, is 7". A key that `allowed`
/// names, or a section of it, is left out.
std::vector<std::string> identity_differences(const RunIdentity& before, const RunIdentity& now,
                                              const std::vector<std::string>& allowed);

/// Throws: Error kUsage for an entry of `allowed` that is neither a key of the two nor a section of one.
void check_allowed(const RunIdentity& before, const RunIdentity& now,
                   const std::vector<std::string>& allowed);

}  // namespace lore
