#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lore/tasks/run_matrix.h"

namespace lore {

/// {"machine", "models", "cells": [{"scenario", "model", "passed", "metrics", "base", "delta", "gates",
/// "times", "budget", "cost_per_thousand_answers", "pilot"}], "passed"}; times in seconds, memory in bytes.
nlohmann::ordered_json to_json(const MatrixResult& result);

/// For a terminal: a table a scenario with a column a model, then what failed.
std::string matrix_text(const MatrixResult& result);

/// The same for a pull request.
std::string matrix_markdown(const MatrixResult& result);

/// The same as a page for whoever decides, the verdict first.
std::string matrix_html(const MatrixResult& result);

}  // namespace lore
