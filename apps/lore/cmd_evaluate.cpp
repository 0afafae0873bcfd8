#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/eval/term_changes.h"
#include "lore/recipe/reader.h"
#include "lore/tasks/evaluation_html.h"
#include "lore/tasks/evaluation_report.h"
#include "lore/tasks/evaluation_suites.h"
#include "lore/tasks/matrix_report.h"
#include "process.h"
#include "time_left.h"

namespace {

namespace fs = std::filesystem;

struct Options {
  lore::EvaluateRequest request;
  std::string recipe;
  std::vector<std::string> overrides;
  std::vector<std::string> data;
  std::map<std::string, std::vector<std::string>> suites;  ///< [NAME=]FILE by kind
  lore::SuiteSpec suite;                                   ///< what `suites` share
  std::string report;
  std::string matrix;
  bool json = false;
  int threads = 0;
};

/// Fills in what a recipe says: its model, the adapter of its run, its validation data, suites and gates.
void apply_recipe(Options& options) {
  const lore::Recipe recipe = lore::read_recipe(options.recipe, options.overrides);
  lore::EvaluateRequest& request = options.request;
  request.rows = recipe.data;
  const std::string dtype = request.model.dtype;
  const std::string quantization = request.model.quantization;
  const std::string path = request.model.path;
  request.model = recipe.model;
  if (!path.empty()) {
    request.model.path = path;
  }
  if (dtype != "auto") {
    request.model.dtype = dtype;
  }
  if (!quantization.empty()) {
    request.model.quantization = quantization;
  }
  if (request.adapter.empty()) {
    request.adapter = (fs::path(recipe.output_dir) / "adapter").string();
  }
  if (options.data.empty()) {
    request.sources = recipe.data.validation;
  }
  request.suites = recipe.evaluation.suites;
  request.gates.insert(request.gates.begin(), recipe.evaluation.gates.begin(), recipe.evaluation.gates.end());
}

const std::string& name_of(const lore::SuiteSpec& suite) {
  return suite.name.empty() ? suite.kind : suite.name;
}

/// The suites of `--KIND [NAME=]FILE`, in the place of those of the recipe that have the same names.
void add_suites(Options& options) {
  std::vector<lore::SuiteSpec> of_recipe;
  of_recipe.swap(options.request.suites);
  for (const auto& [kind, files] : options.suites) {
    for (const std::string& file : files) {
      lore::SuiteSpec spec = options.suite;
      spec.kind = kind;
      const std::size_t equals = file.find('=');
      spec.name = equals == std::string::npos ? "" : file.substr(0, equals);
      spec.path = equals == std::string::npos ? file : file.substr(equals + 1);
      options.request.suites.push_back(spec);
    }
  }
  for (const lore::SuiteSpec& suite : of_recipe) {
    const auto& given = options.request.suites;
    if (std::none_of(given.begin(), given.end(),
                     [&](const lore::SuiteSpec& one) { return name_of(one) == name_of(suite); })) {
      options.request.suites.push_back(suite);
    }
  }
}

void settle(Options& options) {
  lore::EvaluateRequest& request = options.request;
  if (!options.recipe.empty()) {
    apply_recipe(options);
  } else if (request.model.path.empty()) {
    throw lore::Error(lore::ErrorKind::kUsage, "evaluate", "needs a model; give --base MODEL, or a recipe");
  } else if (request.model.quantization.empty()) {
    request.model.quantization = "none";
  }
  for (const std::string& path : options.data) {
    request.sources.push_back({path});
  }
  add_suites(options);
  if (request.sources.empty() && request.suites.empty()) {
    throw lore::Error(lore::ErrorKind::kUsage, "evaluate",
                      options.recipe.empty() ? "needs something to score; give --data FILE"
                                             : "the recipe has no data.validation; give --data FILE");
  }
}

std::string interval_text(const std::map<std::string, lore::Interval>& intervals, const std::string& name,
                          const char* form) {
  const auto found = intervals.find(name);
  return found == intervals.end() ? ""
                                  : fmt::format(fmt::runtime(form), found->second.low, found->second.high);
}

/// Each number; beside the base's where there is an adapter, then with the interval of the difference.
void print_numbers(Console& console, const lore::Comparison& numbers,
                   const std::map<std::string, lore::Interval>& intervals = {},
                   const std::map<std::string, lore::Interval>& delta_intervals = {}) {
  for (const auto& [name, value] : numbers.metrics) {
    const auto before = numbers.base.find(name);
    if (before == numbers.base.end()) {
      console.result(fmt::format("  {:<22} {:>12.4f}{}", name, value,
                                 interval_text(intervals, name, "  (95%: {:.4f} to {:.4f})")));
    } else {
      console.result(fmt::format("  {:<22} {:>12.4f} -> {:>12.4f}  ({:+.4f}{})", name, before->second, value,
                                 value - before->second,
                                 interval_text(delta_intervals, name, "; 95%: {:+.4f} to {:+.4f}")));
    }
  }
}

/// "gained 3 by margin: 风控阈值 (-0.31 -> 1.20), ..", the largest changes of each list.
void print_changes(Console& console, const lore::SuiteResult& suite) {
  constexpr std::size_t kShown = 10;
  for (const lore::TermChanges& changes : lore::term_changes(suite)) {
    for (const auto& [verb, list] :
         {std::pair("gained", &changes.gained), std::pair("lost", &changes.lost)}) {
      std::string terms;
      for (std::size_t i = 0; i < list->size() && i < kShown; ++i) {
        const lore::TermChange& change = (*list)[i];
        terms += fmt::format("{}{} ({:.2f} -> {:.2f})", i == 0 ? "" : ", ", lore::printable(change.term),
                             change.base, change.adapted);
      }
      const char* more = list->size() > kShown ? ", .." : "";
      console.result(fmt::format("  {} by {}: {}{}{}{}", verb, changes.metric, list->size(),
                                 list->empty() ? "" : ": ", terms, more));
    }
  }
}

void print_scores(Console& console, const lore::Evaluation& evaluation) {
  console.result(fmt::format("base       {} ({})", evaluation.base_name, evaluation.dtype));
  if (evaluation.reused > 0) {
    console.info(fmt::format("{} results of the base are from an earlier run; --no-cache measures again",
                             evaluation.reused));
  }
  if (!evaluation.adapter_name.empty()) {
    console.result(fmt::format("adapter    {}", evaluation.adapter_name));
  }
  for (const lore::SourceScore& source : evaluation.sources) {
    const lore::LanguageScore& score = source.adapted ? *source.adapted : source.base;
    console.result(fmt::format("\n{} ({} tokens scored)", source.name, score.tokens));
    print_numbers(console, {lore::language_metrics(score),
                            source.adapted ? lore::language_metrics(source.base) : lore::Metrics(),
                            {}});
  }
  for (const lore::SuiteResult& suite : evaluation.suites) {
    console.result(fmt::format("\n{} ({} cases)", suite.name, suite.base.size()));
    print_numbers(console, suite.numbers, suite.intervals, suite.delta_intervals);
    print_changes(console, suite);
  }
  if (evaluation.baseline) {
    console.result(fmt::format("\nfrom {} (now deployed)", evaluation.baseline->model));
    print_numbers(console, {evaluation.numbers.metrics, evaluation.baseline->metrics, {}}, {},
                  evaluation.baseline->change_intervals);
  }
  if (!evaluation.gates.empty()) {
    console.result("");
  }
  for (const lore::GateResult& gate : evaluation.gates) {
    console.result(fmt::format("{}  {} ({})", gate.passed ? "passed" : "FAILED", gate.gate,
                               lore::describe_result(gate)));
  }
}

/// `indent` -1: on one line.
std::string json_text(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void write_report(const fs::path& folder, const lore::Evaluation& evaluation) {
  lore::create_folders(folder);
  lore::write_file_atomically(folder / "report.json", json_text(lore::to_json(evaluation), 2) + "\n",
                              lore::FileAccess::kOwner);
  lore::write_file_atomically(folder / "junit.xml", lore::junit_xml(evaluation), lore::FileAccess::kOwner);
  lore::write_file_atomically(folder / "summary.md", lore::summary_markdown(evaluation),
                              lore::FileAccess::kOwner);
  lore::write_file_atomically(folder / "report.html", lore::evaluation_html(evaluation),
                              lore::FileAccess::kOwner);
}

int evaluate_matrix(const Options& options, Console& console, const lore::EvaluationProgress& on_progress) {
  const lore::MatrixRequest request{lore::read_matrix(options.matrix), options.request.batch_tokens,
                                    options.request.uses_cache};
  const auto result = lore::run_matrix(request, process_environment(options.threads), console, on_progress);
  console.clear_status();
  if (!result) {
    console.info("interrupted; nothing was written");
    return 128 + received_signal();
  }
  const nlohmann::ordered_json json = lore::to_json(*result);
  console.result(options.json ? json_text(json, -1) : lore::matrix_text(*result));
  if (!options.report.empty()) {
    const fs::path folder = options.report;
    lore::create_folders(folder);
    lore::write_file_atomically(folder / "report.json", json_text(json, 2) + "\n", lore::FileAccess::kOwner);
    lore::write_file_atomically(folder / "summary.md", lore::matrix_markdown(*result),
                                lore::FileAccess::kOwner);
    lore::write_file_atomically(folder / "report.html", lore::matrix_html(*result), lore::FileAccess::kOwner);
  }
  return result->passed() ? 0 : static_cast<int>(lore::ErrorKind::kRefused);
}

int evaluate(Options options) {
  Console console(options.json);
  TimeLeft time_left;
  const lore::EvaluationProgress on_progress = [&](std::string_view model, std::string_view what,
                                                   double share) {
    const std::string work = fmt::format("{}: {}", model, what);
    console.status(fmt::format("{} {:.0f}%{}", work, 100 * share, time_left.after(share, work)));
  };
  if (!options.matrix.empty()) {
    return evaluate_matrix(options, console, on_progress);
  }
  settle(options);
  const auto evaluation =
      lore::run_evaluate(options.request, process_environment(options.threads), console, on_progress);
  console.clear_status();
  if (!evaluation) {
    console.info("interrupted; nothing was written");
    return 128 + received_signal();
  }
  if (options.json) {
    console.result(json_text(lore::to_json(*evaluation), -1));
  } else {
    print_scores(console, *evaluation);
  }
  if (!options.report.empty()) {
    write_report(options.report, *evaluation);
  }
  return evaluation->passed() ? 0 : static_cast<int>(lore::ErrorKind::kRefused);
}

}  // namespace

void add_evaluate(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand(
      "evaluate", "Score text and rows with a base model, and with an adapter beside it; check gates");
  auto options = std::make_shared<Options>();
  lore::EvaluateRequest& request = options->request;
  command->add_option("recipe", options->recipe,
                      "Recipe file: its model, the adapter of its run, its validation data");
  CLI::Option* matrix =
      command->add_option("--matrix", options->matrix,
                          "Matrix file: scenarios by models, with gates, budgets and what a pilot is worth");
  command->add_option("--set", options->overrides, "Override a recipe key")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--base", request.model.path, "Model folder, GGUF file, or hub id in the local cache");
  command->add_option("--adapter", request.adapter, "Adapter folder (PEFT's files)");
  command
      ->add_option(
          "--data", options->data,
          "File, folder or pattern to score: .txt and .md whole, rows by their trained tokens; may be given "
          "more than once")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  for (const lore::SuiteKind& kind : lore::suite_kinds()) {
    command
        ->add_option("--" + std::string(kind.name), options->suites[std::string(kind.name)],
                     std::string(kind.help) + "; [NAME=]FILE, may be given more than once")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  command->add_option("--glossary", options->suite.glossary,
                      "Glossary of the terms that the questions of --terms are about");
  command
      ->add_option("--max-new-tokens", options->suite.max_new_tokens,
                   "Longest answer of a suite that generates answers, in tokens; 0 generates none")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  command
      ->add_option("--max-length", request.max_length, "Tokens of a window over a text (default: up to 2048)")
      ->check(CLI::Range(2, 1 << 30));
  command
      ->add_option("--stride", request.stride, "Tokens from one window to the next (default: half a window)")
      ->check(CLI::Range(1, 1 << 30));
  command->add_option("--batch-tokens", request.batch_tokens, "Tokens that go through the model at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 30));
  command
      ->add_option("--gate", request.gates,
                   "Condition that must hold, as in \"delta.perplexity <= 0\"; may be given more than once")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option(
      "--baseline", request.baseline,
      "report.json of the adapter now deployed: its numbers are baseline.METRIC, the difference "
      "vs_baseline.METRIC");
  command->add_flag("!--no-cache", request.uses_cache, "Measure the base again, whatever is kept of it");
  command->add_option("--report", options->report,
                      "Folder for report.html, report.json, junit.xml and summary.md");
  command->add_option("--dtype", request.model.dtype, "auto, float32 or bfloat16")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "float32", "bfloat16"}));
  request.model.quantization.clear();
  command
      ->add_option(
          "--quantization", request.model.quantization,
          "How matrices are held: none (as numbers), stored (a GGUF file's blocks as they are, which "
          "gives the same numbers), int8, int4 or nf4 (default: the recipe's, else none)")
      ->check(CLI::IsMember({"none", "stored", "int8", "int4", "nf4"}));
  command->add_option("--device", request.model.device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  for (CLI::Option* option : command->get_options()) {
    const std::string name = option->get_name();
    if (name != "--matrix" && name != "--help" && name != "--json" && name != "--threads" &&
        name != "--report" && name != "--batch-tokens" && name != "--no-cache") {
      matrix->excludes(option);
    }
  }
  command->footer(
      "Examples:\n"
      "  lore evaluate recipes/enterprise-terms.yaml --data data-samples/controls.jsonl --gate "
      "\"delta.perplexity <= 1\"\n"
      "  lore evaluate --base smollm2.gguf --data data-samples/README.md --max-length 512 --stride 256\n"
      "Exit code 4: a gate failed.");
  command->callback([options, &exit_code] { exit_code = evaluate(*options); });
}
