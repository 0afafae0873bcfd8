#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "duration.h"
#include "lore/recipe/reader.h"
#include "process.h"
#include "train_display.h"

namespace {

struct Options {
  std::string recipe;
  std::vector<std::string> overrides;
  std::string output;
  bool overwrite = false;
  bool resume = false;
  std::string resume_from;
  std::vector<std::string> resume_anyway;
  std::string max_time;
  bool dry_run = false;
  bool allow_base_mismatch = false;
  bool json = false;
  int threads = 0;
};

nlohmann::ordered_json number_or_null(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

const char* reason_name(const lore::TrainOutcome& outcome) {
  return outcome.was_finished                                        ? "already finished"
         : outcome.result.reason == lore::StopReason::kEarlyStopping ? "stopped early"
         : outcome.result.reason == lore::StopReason::kSignal        ? "interrupted"
                                                                     : "done";
}

void print_outcome(Console& console, const lore::TrainOutcome& outcome, bool dry_run) {
  const lore::TrainProgress& result = outcome.result.progress;
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
                               {"skipped_steps", result.skipped_steps},
                               {"reason", reason_name(outcome)},
                               {"resumed_from", outcome.resumed_from.empty()
                                                    ? nlohmann::ordered_json()
                                                    : nlohmann::ordered_json(outcome.resumed_from.string())},
                               {"resumed_step", outcome.resumed_step},
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
  console.result(fmt::format("{} after {} of {} steps in {:.0f} s; adapter in {}", reason_name(outcome),
                             result.steps, outcome.plan.total_steps, outcome.seconds,
                             (outcome.folder / "adapter").string()));
  if (outcome.result.reason == lore::StopReason::kSignal) {
    console.info("the same command with --resume goes on from here");
  }
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
  request.resume = options.resume;
  request.resume_from = options.resume_from;
  request.resume_anyway = options.resume_anyway;
  request.dry_run = options.dry_run;
  request.allow_base_mismatch = options.allow_base_mismatch;
  TrainDisplay display(console, request.recipe.training.logging_steps);
  const lore::Environment environment = process_environment(options.threads);
  if (!options.max_time.empty()) {
    limit_time(*seconds_of_duration(options.max_time));
  }
  const lore::TrainOutcome outcome = lore::run_train(request, environment, display);
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
  CLI::Option* overwrite =
      command->add_flag("--overwrite", options->overwrite, "Replace the run that is in the output folder");
  CLI::Option* resume = command->add_flag("--resume", options->resume,
                                          "Go on with the run in the output folder from its newest sound "
                                          "checkpoint; start it where there is none");
  resume->excludes(overwrite);
  CLI::Option* resume_from = command
                                 ->add_option("--resume-from", options->resume_from,
                                              "Go on from this checkpoint (RUN/checkpoints/step-N)")
                                 ->excludes(resume);
  command
      ->add_option(
          "--resume-anyway", options->resume_anyway,
          "Keys that may differ from the checkpoint's: of the recipe (training.learning_rate, data), or "
          "threads, build, base, dtype, cpu_capability")
      ->check([resume, resume_from](const std::string&) {
        return resume->count() + resume_from->count() > 0 ? "" : "needs --resume or --resume-from";
      });
  command
      ->add_option("--max-time", options->max_time,
                   "Stop as a signal would after this long: 90s, 45m, 1h30m, 1:30:00")
      ->check([](const std::string& text) {
        return seconds_of_duration(text) ? ""
                                         : "is no length of time such as 90s, 45m, 1h30m or 1:30:00: " + text;
      });
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
      "  lore train recipes/enterprise-terms.yaml --resume --max-time 45m\n"
      "Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 stop after the current step with a checkpoint, from which "
      "--resume goes "
      "on to the same adapter; a second Ctrl-C stops at once.");
  command->callback([options, &exit_code] { exit_code = train(*options); });
}
