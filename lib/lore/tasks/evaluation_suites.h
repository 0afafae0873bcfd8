#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "lore/eval/suite.h"
#include "lore/recipe/specs.h"

namespace lore {

/// A kind of questions that `lore evaluate` can ask.
struct SuiteKind {
  std::string_view name;  ///< as in SuiteSpec::kind
  std::string_view help;  ///< of its option on the command line
  std::function<std::unique_ptr<Suite>(const SuiteSpec&)> open;
};

/// All of them.
std::span<const SuiteKind> suite_kinds();

/// A suite under the name that its metrics begin with.
struct NamedSuite {
  std::string name;
  std::string kind;
  std::string identity;  ///< hash of all that decides what is asked
  std::unique_ptr<Suite> suite;
};

/// Reads the files of all suites. Throws: Error kUsage for a name that is taken or is no name, kInput with
/// the place of a bad question.
std::vector<NamedSuite> open_suites(std::span<const SuiteSpec> specs);

}  // namespace lore
