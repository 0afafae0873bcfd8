#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "lore/recipe/reader.h"
#include "process.h"
#include "train_display.h"

namespace {

struct Options {
  std::string recipe;
  std::vector<std::string> overrides;
  std::string output;
  bool overwrite = false;
  bool dry_run = false;
  bool allow_base_mismatch = false;
  bool json = false;
  int threads = 0;
};

nlohmann::ordered_json number_or_null(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

void print_outcome(Console& console, const lore::TrainOutcome& outcome, bool dry_run) {
  const lore::TrainResult& result = outcome.result;
  if (console.json()) {
    console.result(
        nlohmann::ordered_json{{"dry_run", dry_run},
                               {"output_dir", outcome.folder.string()},
                               {"steps", result.steps},
                               {"total_steps", outcome.plan.total_steps},
                               {"first_validation_loss", number_or_null(result.first_validation_loss)},
                               {"last_validation_loss", number_or_null(result.last_validation_loss)},
                               {"best_validation_loss", number_or_null(result.best_validation_loss)},
                               {"best_step", result.best_step},
                               {"seconds", outcome.seconds}}
            .dump());
    return;
  }
  if (dry_run) {
    console.result("dry run: everything is ready for the first step; nothing was written");
    return;
  }
  if (result.first_validation_loss && result.last_validation_loss) {
    console.result(
        fmt::format("validation loss {:.4f} before, {:.4f} after {} steps (best {:.4f} at step {})",
                    *result.first_validation_loss, *result.last_validation_loss, result.steps,
                    *result.best_validation_loss, result.best_step));
  }
  const char* reason = result.reason == lore::StopReason::kEarlyStopping ? "stopped early"
                       : result.reason == lore::StopReason::kSignal      ? "interrupted"
                                                                         : "done";
  console.result(fmt::format("{} after {} of {} steps in {:.0f} s; adapter in {}", reason, result.steps,
                             outcome.plan.total_steps, outcome.seconds,
                             (outcome.folder / "adapter").string()));
}

int train(const Options& options) {
  Console console(options.json);
  lore::TrainRequest request;
  std::vector<std::string> overrides = options.overrides;
  request.recipe = lore::read_recipe(options.recipe, overrides);
  if (!options.output.empty()) {
    request.recipe.output_dir = options.output;
  }
  request.overwrite = options.overwrite;
  request.dry_run = options.dry_run;
  request.allow_base_mismatch = options.allow_base_mismatch;
  TrainDisplay display(console, request.recipe.training.logging_steps);
  const lore::TrainOutcome outcome = lore::run_train(request, process_environment(options.threads), display);
  print_outcome(console, outcome, options.dry_run);
  return outcome.result.reason == lore::StopReason::kSignal ? 128 + received_signal() : 0;
}

}  // namespace

void add_train(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("train", "Train a LoRA adapter as a recipe says");
  auto options = std::make_shared<Options>();
  command->add_option("recipe", options->recipe, "Recipe file (YAML or JSON)")->required();
  command->add_option("--set", options->overrides, "Override a recipe key: --set training.learning_rate=1e-4")
      ->take_all()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--output", options->output, "Folder for the run instead of the recipe's output_dir");
  command->add_flag("--overwrite", options->overwrite, "Replace the run that is in the output folder");
  command->add_flag("--dry-run", options->dry_run, "Do everything up to the first step, write nothing");
  command->add_flag(
      "--allow-base-mismatch", options->allow_base_mismatch,
      "Go on from an adapter (adapter.init_from) that was made on another base; run.json records that");
  command->add_flag("--json", options->json, "One JSON object on stdout; messages go to stderr");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Examples:\n"
      "  lore train recipes/enterprise-terms.yaml\n"
      "  lore train recipes/enterprise-terms.yaml --set training.max_steps=20 --output runs/try\n"
      "Ctrl-C stops after the current step and saves the adapter so far; a second Ctrl-C stops at once.");
  command->callback([options, &exit_code] { exit_code = train(*options); });
}
