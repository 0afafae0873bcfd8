#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lore/tasks/evaluation.h"

namespace lore {

/// {"model", "adapter", "dtype", "metrics", "base", "delta", "files": {NAME: {.., "base": {..}}}, "gates":
/// [..], "passed", ..}; a number that is not finite is null.
nlohmann::ordered_json to_json(const Evaluation& evaluation);

/// {"gate", "value", "passed"}, with "why" where there is no value and "group" where each group was asked.
nlohmann::ordered_json gate_json(const GateResult& gate);

/// A JUnit file with one test case a gate, for CI systems.
std::string junit_xml(const Evaluation& evaluation);

/// A table of the metrics, base beside adapter, and the gates, for a pull request.
std::string summary_markdown(const Evaluation& evaluation);

/// "perplexity is 12.3", or why there is no number.
std::string describe_result(const GateResult& gate);

}  // namespace lore
