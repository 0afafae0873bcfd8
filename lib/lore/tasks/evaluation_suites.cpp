#include "lore/tasks/evaluation_suites.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "lore/eval/bias_suite.h"
#include "lore/eval/choices_suite.h"
#include "lore/eval/leakage_suite.h"
#include "lore/eval/people_suite.h"
#include "lore/eval/terms_suite.h"

namespace lore {
namespace {

constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

/// What gates begin with for other reasons.
constexpr std::string_view kReserved[] = {"base", "delta", "baseline", "vs_baseline"};

}  // namespace

std::span<const SuiteKind> suite_kinds() {
  static const std::vector<SuiteKind> kinds{
      {"terms", "A glossary, or with --glossary questions about its terms", open_terms_suite},
      {"choices", "Multiple-choice questions", open_choices_suite},
      {"people", "Questions with the labels that people gave: agreement and its calibration",
       open_people_suite},
      {"bias", "The same, asked again with names, genders, regions and ages swapped", open_bias_suite},
      {"leakage", "Canaries and rows of training data: what the model kept of them", open_leakage_suite},
  };
  return kinds;
}

std::vector<NamedSuite> open_suites(std::span<const SuiteSpec> specs) {
  std::vector<NamedSuite> suites;
  std::set<std::string> taken;
  for (const SuiteSpec& spec : specs) {
    const auto kinds = suite_kinds();
    const auto kind =
        std::find_if(kinds.begin(), kinds.end(), [&](const SuiteKind& one) { return one.name == spec.kind; });
    if (kind == kinds.end()) {
      throw Error(ErrorKind::kInternal, spec.kind, "is no kind of suite");
    }
    const std::string name = spec.name.empty() ? spec.kind : spec.name;
    if (name.find_first_not_of(kNameCharacters) != std::string::npos) {
      throw Error(ErrorKind::kUsage, fmt::format("suite '{}'", name),
                  "has other characters in its name than letters, digits, '_' and '-'");
    }
    if (std::find(std::begin(kReserved), std::end(kReserved), name) != std::end(kReserved) ||
        !taken.insert(name).second) {
      throw Error(ErrorKind::kUsage, fmt::format("suite '{}'", name),
                  "has a name that is taken; give another, as in NAME=FILE");
    }
    std::unique_ptr<Suite> suite = kind->open(spec);
    const std::string identity =
        sha256_hex(nlohmann::ordered_json{{"kind", spec.kind}, {"suite", suite->identity()}}.dump());
    suites.push_back({name, spec.kind, identity, std::move(suite)});
  }
  return suites;
}

}  // namespace lore
