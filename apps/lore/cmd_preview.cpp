#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.h"
#include "console.h"
#include "lore/data/preview.h"
#include "lore/recipe/reader.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/training_data.h"
#include "process.h"

namespace {

struct Options {
  std::string recipe;
  std::vector<std::string> overrides;
  std::optional<std::int64_t> count;
  bool validation = false;
  bool json = false;
};

int preview(const Options& options) {
  Console console(options.json);
  const lore::Recipe recipe = lore::read_recipe(options.recipe, options.overrides);
  const lore::Environment environment = process_environment(0);
  const lore::TrainingData data =
      lore::load_training_data(recipe, lore::find_base(recipe.model, environment), environment, console);
  const lore::Dataset& dataset = options.validation ? data.validation : data.train;
  const std::int64_t all = dataset.count();
  const std::int64_t shown = std::min(all, options.count.value_or(options.json ? all : 3));
  const bool colour = isatty(STDOUT_FILENO) == 1;
  for (std::int64_t i = 0; i < shown; ++i) {
    const lore::ExampleView view = dataset.view(i);
    const lore::Example example{
        {view.ids.begin(), view.ids.end()}, {view.trained.begin(), view.trained.end()}, view.source};
    if (options.json) {
      console.result(lore::preview_json(example, *data.tokenizer)
                         .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    } else {
      console.result("== " + example.source);
      console.styled_result(lore::preview_text(example, *data.tokenizer, colour));
    }
  }
  return 0;
}

}  // namespace

void add_preview(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand(
      "preview", "Show what the model will see: rendered examples, trained tokens marked");
  auto options = std::make_shared<Options>();
  command->add_option("recipe", options->recipe, "Recipe file (YAML or JSON)")->required();
  command->add_option("--set", options->overrides, "Override a recipe key")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--count", options->count, "Examples to show (default: 3, with --json all)")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--validation", options->validation, "Show validation examples instead of training ones");
  command->add_flag("--json", options->json, "One JSON object a line: source, input_ids, labels, text");
  command->footer("Example:\n  lore preview recipes/enterprise-terms.yaml --count 1");
  command->callback([options, &exit_code] { exit_code = preview(*options); });
}
