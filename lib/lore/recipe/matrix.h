#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lore/recipe/specs.h"

namespace lore {

/// A model of a scenario matrix: a base, or a base with an adapter. Meaning, unit and range of every field
/// here are in describe_matrix.h.
struct MatrixModelSpec {
  std::string name;
  ModelSpec model;
  std::string adapter;

  bool operator==(const MatrixModelSpec&) const = default;
};

/// What a model may take at most in a scenario.
struct BudgetSpec {
  std::optional<double> time_to_first_token;
  std::optional<double> time_per_token;
  std::optional<double> cost_per_thousand_answers;
  std::optional<double> peak_memory_gib;

  bool operator==(const BudgetSpec&) const = default;
};

/// What a pilot of a scenario would be worth.
struct PilotSpec {
  double cases_per_month = 0;
  double minutes_per_case = 0;
  double automation_share = 0;
  double hourly_wage = 0;

  bool operator==(const PilotSpec&) const = default;
};

/// A use of the models: what is measured, what must hold, what it may cost.
struct ScenarioSpec {
  std::string name;
  std::vector<SourceSpec> data;
  std::vector<SuiteSpec> suites;
  std::string prompts;
  std::int64_t max_new_tokens = 64;
  std::vector<std::string> gates;
  BudgetSpec budget;
  PilotSpec pilot;

  bool operator==(const ScenarioSpec&) const = default;
};

/// What the machine costs.
struct MachineSpec {
  double price_per_hour = 0;
  std::string currency = "EUR";

  bool operator==(const MachineSpec&) const = default;
};

/// Scenarios by models.
struct MatrixSpec {
  std::vector<MatrixModelSpec> models;
  std::vector<ScenarioSpec> scenarios;
  MachineSpec machine;

  bool operator==(const MatrixSpec&) const = default;
};

/// Reads a matrix file as `read_recipe` reads a recipe. Throws: Error kUsage whose message holds every
/// problem, one a line, as file:line:column; Error kInput when the file cannot be read.
MatrixSpec read_matrix(const std::filesystem::path& file);

}  // namespace lore
