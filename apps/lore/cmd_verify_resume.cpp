#include <fmt/format.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "process.h"
#include "resume_trial.h"

namespace {

struct Options {
  std::string recipe;
  std::vector<std::string> overrides;
  std::int64_t kills = 10;
  std::uint64_t seed = 1;
  std::string output;
  bool json = false;
  int threads = 0;
};

/// A folder that is removed at the end, unless the user named it.
class WorkFolder {
 public:
  WorkFolder(const std::string& named, const std::filesystem::path& temporary) : path_(named) {
    if (!named.empty()) {
      lore::create_folders(path_);
      if (!std::filesystem::is_empty(path_)) {
        throw lore::Error(lore::ErrorKind::kRefused, named, "is not empty; choose another folder");
      }
      return;
    }
    std::string pattern = (temporary / "lore-verify-resume.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw lore::Error(lore::ErrorKind::kResources, pattern,
                        std::string("cannot be created: ") + std::strerror(errno));
    }
    path_ = pattern;
    is_temporary_ = true;
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code error;
    if (is_temporary_) {
      std::filesystem::remove_all(path_, error);
    }
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool is_temporary_ = false;
};

void print_verdict(Console& console, const ResumeVerdict& verdict) {
  if (console.json()) {
    console.result(nlohmann::ordered_json{{"passed", verdict.passed()},
                                          {"kills", verdict.kills},
                                          {"runs", verdict.runs},
                                          {"steps", verdict.steps},
                                          {"torn", verdict.torn},
                                          {"different", verdict.different},
                                          {"adapter_sha256", verdict.adapter_sha256}}
                       .dump());
    return;
  }
  console.result(fmt::format(
      "{}: {} kills in {} runs of {} steps; {} torn; {} of the runs ended with another adapter than "
      "SHA-256 {}",
      verdict.passed() ? "proved" : "FAILED", verdict.kills, verdict.runs, verdict.steps, verdict.torn,
      verdict.different, verdict.adapter_sha256));
}

int verify_resume(const Options& options) {
  Console console(options.json);
  const lore::Environment environment = process_environment(options.threads);
  const WorkFolder folder(options.output, environment.temporary_dir);
  std::vector<std::string> arguments{options.recipe, "--threads", std::to_string(environment.threads)};
  for (const std::string& setting : options.overrides) {
    arguments.insert(arguments.end(), {"--set", setting});
  }
  ResumeTrial trial(arguments, folder.path(), options.seed, [] { return received_signal() != 0; });
  const ResumeVerdict verdict = trial.run(options.kills, [&](const ResumeVerdict& so_far) {
    console.status(fmt::format("{}/{} kills  {} runs compared  {} torn  {} different", so_far.kills,
                               options.kills, so_far.runs, so_far.torn, so_far.different));
  });
  if (received_signal() != 0) {
    console.info(fmt::format("interrupted after {} of {} kills: {} torn, {} different", verdict.kills,
                             options.kills, verdict.torn, verdict.different));
    return 128 + received_signal();
  }
  print_verdict(console, verdict);
  return verdict.passed() ? 0 : static_cast<int>(lore::ErrorKind::kRefused);
}

}  // namespace

void add_verify_resume(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand(
      "verify-resume", "Prove that a run which is killed and resumed ends with the same adapter");
  auto options = std::make_shared<Options>();
  command->add_option("recipe", options->recipe, "Recipe file (YAML or JSON)")->required();
  command->add_option("--kills", options->kills, "SIGKILLs at random moments")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--set", options->overrides, "Override a recipe key: --set training.max_steps=20")
      ->take_all()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--seed", options->seed, "Seed of the moments")->capture_default_str();
  command->add_option("--output", options->output,
                      "Folder in which the runs are left to be looked at (default: a temporary one)");
  command->add_flag("--json", options->json, "One JSON object on stdout; messages go to stderr");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Trains once without a break, then again with SIGKILLs and --resume after each, and compares the "
      "adapters: "
      "exit code 0 when every run ended with the same bytes and nothing was ever torn, else 4. Kills come "
      "where "
      "the recipe's checkpoints let the run go on; set training.checkpoint_every_steps=1 to kill most of "
      "them in "
      "the writing.\n"
      "Examples:\n"
      "  lore verify-resume recipes/enterprise-terms.yaml --kills 10");
  command->callback([options, &exit_code] { exit_code = verify_resume(*options); });
}
