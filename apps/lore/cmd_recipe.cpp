#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "lore/recipe/reader.h"
#include "lore/recipe/schema.h"
#include "lore/recipe/writer.h"

namespace {

struct Options {
  std::string recipe;
  std::vector<std::string> overrides;
  bool json = false;
};

void add_recipe_arguments(CLI::App* command, const std::shared_ptr<Options>& options) {
  command->add_option("recipe", options->recipe, "Recipe file (YAML or JSON)")->required();
  command->add_option("--set", options->overrides, "Override a recipe key")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace

void add_recipe(CLI::App& program, int& /*exit_code*/) {
  CLI::App* recipe = program.add_subcommand("recipe", "Validate, show, describe or begin a recipe");
  recipe->require_subcommand(1);

  CLI::App* check = recipe->add_subcommand("check", "Report everything that is wrong with a recipe");
  auto check_options = std::make_shared<Options>();
  add_recipe_arguments(check, check_options);
  check->callback([check_options] {
    lore::read_recipe(check_options->recipe, check_options->overrides);
    Console console(check_options->json);
    console.result(check_options->json ? R"({"valid":true})" : check_options->recipe + ": valid");
  });

  CLI::App* show = recipe->add_subcommand("show", "Print the resolved recipe: every key, defaults included");
  auto show_options = std::make_shared<Options>();
  add_recipe_arguments(show, show_options);
  show->callback([show_options] {
    const lore::Recipe resolved = lore::read_recipe(show_options->recipe, show_options->overrides);
    Console console(show_options->json);
    console.result(show_options->json ? lore::to_json(resolved).dump() : lore::to_yaml(resolved));
  });

  recipe->add_subcommand("schema", "Print the JSON Schema of recipes, for editors")->callback([] {
    Console(/*json=*/true).result(lore::json_schema().dump(2));
  });
  recipe->add_subcommand("reference", "Print the reference of every key, in Markdown")->callback([] {
    Console().result(lore::reference_markdown());
  });
  recipe->add_subcommand("init", "Print a commented recipe to start from")->callback([] {
    Console().result(lore::starting_recipe());
  });
}
