#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "lore/tasks/run_extract.h"
#include "process.h"
#include "time_left.h"

namespace {

struct Options {
  lore::ExtractRequest request;
  std::string output;
  std::string probe;
  bool no_verify = false;
  bool json = false;
  int threads = 0;
};

/// The modules of one leaf name taken together.
struct Leaf {
  double squared_norm = 0;
  double residual = 0;
  std::int64_t lowest_rank = 0;
  std::int64_t highest_rank = 0;
  std::size_t modules = 0;
};

std::map<std::string, Leaf> by_leaf(const std::vector<lore::ExtractedModule>& modules) {
  std::map<std::string, Leaf> leaves;
  for (const lore::ExtractedModule& module : modules) {
    Leaf& leaf = leaves[module.name.substr(module.name.rfind('.') + 1)];
    leaf.squared_norm += module.squared_norm;
    leaf.residual += module.residual;
    leaf.lowest_rank = leaf.modules == 0 ? module.rank : std::min(leaf.lowest_rank, module.rank);
    leaf.highest_rank = std::max(leaf.highest_rank, module.rank);
    ++leaf.modules;
  }
  return leaves;
}

void print_left_out(Console& console, const lore::ExtractOutcome& outcome) {
  constexpr std::size_t kShown = 8;
  double total = 0;
  for (const lore::ExtractedModule& module : outcome.modules) {
    total += module.squared_norm;
  }
  for (const lore::LeftOut& tensor : outcome.left_out) {
    total += tensor.difference.squared_norm;
  }
  for (std::size_t i = 0; i < std::min(kShown, outcome.left_out.size()); ++i) {
    const lore::LeftOut& tensor = outcome.left_out[i];
    console.result(fmt::format("{:<10} {}: {:.2f}% of all that differs", i == 0 ? "left out" : "",
                               tensor.name, 100 * tensor.difference.squared_norm / total));
  }
  if (outcome.left_out.size() > kShown) {
    console.result(
        fmt::format("           and {} more tensors (--json lists them)", outcome.left_out.size() - kShown));
  }
}

void print(Console& console, const lore::ExtractOutcome& outcome) {
  console.result(fmt::format("base       {}\ntuned      {}", outcome.base_name, outcome.tuned_name));
  console.result(fmt::format("adapter    {} modules, rank {}, {} parameters", outcome.modules.size(),
                             outcome.rank, outcome.parameters));
  console.result(
      fmt::format("explains   {:.2f}% of the difference of these modules, {:.2f}% of all that differs",
                  100 * outcome.explained(), 100 * outcome.explained_of_all()));
  for (const auto& [name, leaf] : by_leaf(outcome.modules)) {
    const std::string rank = leaf.lowest_rank == leaf.highest_rank
                                 ? fmt::format("{}", leaf.highest_rank)
                                 : fmt::format("{} to {}", leaf.lowest_rank, leaf.highest_rank);
    console.result(fmt::format("           {:<10} {:6.2f}%  {} modules, rank {}", name,
                               100 * (1 - leaf.residual / leaf.squared_norm), leaf.modules, rank));
  }
  print_left_out(console, outcome);
  if (outcome.proof) {
    console.result(fmt::format(
        "compared   base + adapter is KL {:.3g} nats a token from the tuned model, top-1 agreement "
        "{:.2f}%; KL {:.3g} from the base",
        outcome.proof->merged.kl, 100 * outcome.proof->merged.top1_agreement,
        outcome.proof->adapter_effect.kl));
    console.result(fmt::format("           on {} tokens in {} sequences ({})", outcome.proof->tokens,
                               outcome.proof->sequences, outcome.proof->probe));
  }
  console.result(fmt::format("written    {} in {:.1f} s", outcome.folder.string(), outcome.seconds));
}

int extract(Options options) {
  Console console(options.json);
  options.request.output = options.output;
  options.request.probe = options.probe;
  options.request.verify = !options.no_verify;
  TimeLeft time_left;
  const auto outcome =
      lore::run_extract(options.request, process_environment(options.threads), console,
                        [&](std::size_t module, std::size_t modules) {
                          console.status(fmt::format(
                              "extracting module {} of {}{}", module + 1, modules,
                              time_left.after(static_cast<double>(module) / static_cast<double>(modules))));
                          return true;
                        });
  if (!outcome) {
    console.info("interrupted; nothing was written");
    return 128 + received_signal();
  }
  if (options.json) {
    console.result(lore::to_json(*outcome).dump());
  } else {
    print(console, *outcome);
  }
  return 0;
}

}  // namespace

void add_extract(CLI::App& program, int& exit_code) {
  CLI::App* command =
      program.add_subcommand("extract", "Make a LoRA adapter of the difference of two checkpoints");
  auto options = std::make_shared<Options>();
  lore::ExtractRequest& request = options->request;
  command->add_option("--base", request.base, "Model folder, GGUF file, or hub id in the local cache")
      ->required();
  command->add_option("--tuned", request.tuned, "The same model after training, as --base")->required();
  command
      ->add_option("--rank", request.rank,
                   "Rank of each module; with --explain the largest that may be chosen")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  command->add_option("--explain", request.explain,
                      "Share of each module's difference to explain, such as 0.95: chooses a rank for each");
  command
      ->add_option(
          "--target", request.targets,
          "Module as in target_modules (q_proj); may be given more than once (default: all that differ)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--output", options->output, "Folder for the adapter")->required();
  command->add_option(
      "--probe", options->probe,
      "File with a text a line to compare the models on (default: text in several languages)");
  command->add_flag("--no-verify", options->no_verify, "Leave out the comparison of the models");
  command->add_flag("--overwrite", request.overwrite, "Replace an adapter in the output folder");
  command->add_flag("--json", options->json, "One JSON object on stdout; messages go to stderr");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Examples:\n"
      "  lore extract --base smollm2.gguf --tuned merged-fp32 --rank 16 --output extracted\n"
      "  lore extract --base smollm2.gguf --tuned merged-fp32 --explain 0.9 --rank 64 --target q_proj "
      "--target "
      "v_proj "
      "--output extracted-90\n"
      "Exit code 4: the two models are the same where an adapter could be.\n"
      "The output folder appears only when it is complete.");
  command->callback([options, &exit_code] { exit_code = extract(*options); });
}
