#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapter_options.h"
#include "commands.h"
#include "console.h"
#include "lore/tasks/run_combine.h"
#include "process.h"
#include "time_left.h"

namespace {

struct Options {
  lore::CombineRequest request;
  AdapterOptions adapters;
  std::string output;
  std::string method = "cat";
  std::optional<std::string> majority_sign;
  bool json = false;
  int threads = 0;
};

void print(Console& console, const lore::CombineOutcome& outcome, const lore::CombineRequest& request) {
  const lore::CombinedAdapter& combined = outcome.combined;
  const lore::CombinationStatistics& statistics = combined.statistics;
  for (std::size_t i = 0; i < outcome.names.size(); ++i) {
    console.result(fmt::format("{:<10} {:>2} {}: weight {:g}, update norm {:.4g}", i == 0 ? "adapters" : "",
                               i + 1, outcome.names[i], request.adapters[i].weight, statistics.norms[i]));
  }
  bool first = true;
  for (std::size_t i = 0; i < outcome.names.size(); ++i) {
    for (std::size_t j = i + 1; j < outcome.names.size(); ++j) {
      console.result(fmt::format("{:<10} {} and {}: cosine {:+.4f}", first ? "alignment" : "", i + 1, j + 1,
                                 statistics.cosines[i][j]));
      first = false;
    }
  }
  console.result(fmt::format("base       {}", outcome.base.empty() ? "not recorded" : outcome.base));
  console.result(fmt::format("result     {}: {} modules, rank {}, {} parameters; update norm {:.4g}",
                             lore::name_of(outcome.combination.method), combined.modules, combined.config.r,
                             combined.parameters, statistics.result_norm));
  console.result(
      fmt::format("           relative error against the exact weighted sum {:.3g} (its norm {:.4g})",
                  statistics.relative_error, statistics.sum_norm));
  console.result(fmt::format("written    {} in {:.1f} s", outcome.folder.string(), outcome.seconds));
}

int combine(Options options) {
  Console console(options.json);
  lore::CombineRequest& request = options.request;
  request.adapters = options.adapters.adapters();
  request.output = options.output;
  request.method = *lore::combination_method(options.method);
  if (options.majority_sign) {
    request.sign_by_count = *options.majority_sign == "frequency";
  }
  TimeLeft time_left;
  const auto outcome = lore::run_combine(
      request, process_environment(options.threads), console, [&](std::size_t module, std::size_t modules) {
        console.status(
            fmt::format("combining module {} of {}{}", module + 1, modules,
                        time_left.after(static_cast<double>(module) / static_cast<double>(modules))));
        return true;
      });
  if (!outcome) {
    console.info("interrupted; nothing was written");
    return 128 + received_signal();
  }
  if (options.json) {
    console.result(lore::to_json(*outcome, request).dump());
  } else {
    print(console, *outcome, request);
  }
  return 0;
}

}  // namespace

void add_combine(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("combine", "Make one adapter of several; no base is needed");
  auto options = std::make_shared<Options>();
  lore::CombineRequest& request = options->request;
  options->adapters.add_to(*command);
  command
      ->add_option("--method", options->method,
                   "cat (the exact sum), svd (the sum cut to a rank), linear, ties, dare_linear, dare_ties, "
                   "magnitude_prune, or one of the last four with _svd")
      ->capture_default_str()
      ->check(CLI::IsMember(lore::combination_method_names()));
  command->add_option("--density", request.density,
                      "Share of the elements that ties, dare and magnitude_prune keep, above 0 to 1");
  command
      ->add_option("--majority-sign", options->majority_sign,
                   "ties elects signs by their sum (total, the default) or their number (frequency)")
      ->check(CLI::IsMember({"total", "frequency"}));
  command
      ->add_option("--rank", request.rank,
                   "Rank of the result of svd methods (default: the adapters' largest)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  command->add_option("--seed", request.seed, "Of the elements that dare drops")->capture_default_str();
  command->add_option("--output", options->output, "Folder for the combined adapter")->required();
  command->add_flag("--allow-base-mismatch", request.allow_base_mismatch,
                    "Combine adapters that were made on different bases");
  command->add_flag("--overwrite", request.overwrite, "Replace an adapter in the output folder");
  command->add_flag("--json", options->json, "One JSON object on stdout; messages go to stderr");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Examples:\n"
      "  lore combine --adapter runs/enterprise-terms/adapter --weight 0.7 --adapter "
      "runs/enterprise-terms/best "
      "--weight 0.3 --output both\n"
      "  lore combine --adapter runs/enterprise-terms/adapter --adapter runs/enterprise-terms/best "
      "--method ties --density 0.5 --output both-ties\n"
      "  lore combine --adapter runs/enterprise-terms/adapter --method svd --rank 4 --output smaller\n"
      "Exit code 4: adapters of different bases, or updates that are zero or cancel out.\n"
      "The output folder appears only when it is complete.");
  command->callback([options, &exit_code] { exit_code = combine(*options); });
}
