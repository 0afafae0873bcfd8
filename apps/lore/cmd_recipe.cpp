#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "lore/core/error.h"
#include "lore/recipe/reader.h"
#include "lore/recipe/schema.h"
#include "lore/recipe/writer.h"
#include "lore/tasks/check_recipe.h"
#include "process.h"

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string recipe;
  std::vector<std::string> overrides;
  bool json = false;
  bool keys_only = false;
  std::int64_t rows = 100;
};

void add_recipe_arguments(CLI::App* command, const std::shared_ptr<Options>& options) {
  command->add_option("recipe", options->recipe, "Recipe file (YAML or JSON)")->required();
  command->add_option("--set", options->overrides, "Override a recipe key")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("--json", options->json, "Print JSON");
}

/// The findings at their places in the recipe.
std::vector<lore::RecipeProblem> placed(const lore::RecipeReading& reading,
                                        const std::vector<lore::InputFinding>& findings) {
  std::vector<lore::RecipeProblem> problems;
  for (const lore::InputFinding& finding : findings) {
    lore::RecipeProblem problem = reading.problem_at(finding.key, finding.message);
    if (problem.file != "--set " + finding.key) {
      problem.message = finding.key + ": " + problem.message;
    }
    problems.push_back(std::move(problem));
  }
  return problems;
}

Json to_json(const std::vector<lore::RecipeProblem>& problems) {
  Json list = Json::array();
  for (const lore::RecipeProblem& problem : problems) {
    list.push_back({{"file", problem.file},
                    {"line", problem.line},
                    {"column", problem.column},
                    {"message", problem.message}});
  }
  return list;
}

/// Throws: Error that lists all problems, where there are any.
void fail(const std::vector<lore::RecipeProblem>& problems, lore::ErrorKind kind) {
  std::vector<std::string> lines;
  lines.reserve(problems.size());
  for (const lore::RecipeProblem& problem : problems) {
    lines.push_back(problem.text());
  }
  if (!lines.empty()) {
    throw lore::Error(kind, "", fmt::format("{}", fmt::join(lines, "\n")));
  }
}

void check(const Options& options) {
  Console console(options.json);
  const lore::RecipeReading reading = lore::check_recipe(options.recipe, options.overrides);
  lore::InputCheck inputs;
  std::vector<lore::RecipeProblem> problems = reading.problems;
  lore::ErrorKind kind = lore::ErrorKind::kUsage;
  if (problems.empty() && !options.keys_only) {
    inputs = lore::check_inputs(reading.recipe, process_environment(0), options.rows);
    problems = placed(reading, inputs.problems);
    const bool by_recipe = std::ranges::any_of(inputs.problems, [](const lore::InputFinding& problem) {
      return problem.kind == lore::ErrorKind::kUsage;
    });
    kind = by_recipe ? lore::ErrorKind::kUsage : lore::ErrorKind::kInput;
  }
  const std::vector<lore::RecipeProblem> warnings = placed(reading, inputs.warnings);
  if (options.json) {
    Json facts = Json::array();
    for (const lore::InputFinding& fact : inputs.facts) {
      facts.push_back({{"key", fact.key}, {"found", fact.message}});
    }
    console.result(Json{
        {"valid", problems.empty()},
        {"problems", to_json(problems)},
        {"warnings", to_json(warnings)},
        {"looked_at",
         facts}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else {
    for (const lore::InputFinding& fact : inputs.facts) {
      console.result(fmt::format("{:<23} {}", fact.key, fact.message));
    }
    for (const lore::RecipeProblem& warning : warnings) {
      console.warning(warning.text());
    }
  }
  fail(problems, kind);
  if (!options.json) {
    console.result(options.recipe + ": valid");
  }
}

}  // namespace

void add_recipe(CLI::App& program, int& /*exit_code*/) {
  CLI::App* recipe = program.add_subcommand("recipe", "Validate, show, describe or begin a recipe");
  recipe->require_subcommand(1);

  CLI::App* check_command = recipe->add_subcommand(
      "check", "Report everything that is wrong with a recipe and with the beginning of what it names");
  auto check_options = std::make_shared<Options>();
  add_recipe_arguments(check_command, check_options);
  check_command->footer("Example:\n  lore recipe check recipes/enterprise-terms.yaml");
  CLI::Option* keys_only = check_command->add_flag("--keys-only", check_options->keys_only,
                                                   "Look at the recipe alone, not at model and data");
  check_command->add_option("--rows", check_options->rows, "Rows of each source to look at (default: 100)")
      ->check(CLI::PositiveNumber)
      ->excludes(keys_only);
  check_command->callback([check_options] { check(*check_options); });

  CLI::App* show = recipe->add_subcommand("show", "Print the resolved recipe: every key, defaults included");
  auto show_options = std::make_shared<Options>();
  add_recipe_arguments(show, show_options);
  show->footer("Example:\n  lore recipe show recipes/enterprise-terms.yaml --set training.seed=7");
  show->callback([show_options] {
    const lore::Recipe resolved = lore::read_recipe(show_options->recipe, show_options->overrides);
    Console console(show_options->json);
    console.result(show_options->json ? lore::to_json(resolved).dump() : lore::to_yaml(resolved));
  });

  recipe->add_subcommand("schema", "Print the JSON Schema of recipes, for editors")->callback([] {
    Console(/*json=*/true).result(lore::json_schema().dump(2));
  });
  recipe->add_subcommand("reference", "Print the reference of every key, in Markdown")->callback([] {
    std::string text = lore::reference_markdown();
    text.pop_back();  // the console ends the line
    Console().result(text);
  });
  recipe->add_subcommand("init", "Print a commented recipe to start from")->callback([] {
    Console().result(lore::starting_recipe());
  });
}
