#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.h"
#include "console.h"
#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/data/data_report.h"
#include "lore/data/preview.h"
#include "lore/data/preview_html.h"
#include "lore/data/preview_text.h"
#include "lore/data/report_text.h"
#include "lore/recipe/reader.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/training_data.h"
#include "lore/train/trainer.h"
#include "process.h"

namespace {

constexpr std::int64_t kShownAsText = 3;
constexpr std::int64_t kShownAsHtml = 100;

struct Options {
  std::string recipe;
  std::vector<std::string> overrides;
  std::optional<std::int64_t> count;
  std::string row;
  std::string html;
  bool validation = false;
  bool ids = false;
  bool summary = false;
  bool json = false;
};

/// A path below the current folder without that folder.
std::string shortened(std::string_view path) {
  std::error_code error;
  const std::string folder = std::filesystem::current_path(error).string() + "/";
  return std::string(path.starts_with(folder) ? path.substr(folder.size()) : path);
}

/// "file:line" with the path as sources have it, where there is such a file from here; else as it is.
std::string resolved_row(const std::string& row) {
  namespace fs = std::filesystem;
  const std::size_t colon = row.rfind(':');
  const fs::path file = row.substr(0, colon);
  std::error_code error;
  if (colon == std::string::npos || !fs::exists(file, error)) {
    return row;
  }
  const fs::path folder = fs::weakly_canonical(file.has_parent_path() ? file.parent_path() : ".", error);
  return error ? row : (folder / file.filename()).string() + row.substr(colon);
}

/// True where an example that came from `source` came from `row`: "file:line", the file by its path or the
/// end of it.
bool is_row(std::string_view source, std::string_view row) {
  const std::size_t at = source.rfind(row);
  const bool begins_a_name =
      at != std::string_view::npos && (at == 0 || row.front() == '/' || source[at - 1] == '/');
  const std::string_view rest = begins_a_name ? source.substr(at + row.size()) : std::string_view();
  // Pieces of one row may be told apart by what follows the line.
  return begins_a_name && (rest.empty() || rest.front() < '0' || rest.front() > '9');
}

std::vector<std::int64_t> chosen_examples(const lore::Dataset& dataset, const Options& options) {
  std::vector<std::int64_t> chosen;
  if (!options.row.empty()) {
    const std::string row = resolved_row(options.row);
    for (std::int64_t i = 0; i < dataset.count(); ++i) {
      if (is_row(dataset.view(i).source, row)) {
        chosen.push_back(i);
      }
    }
    if (chosen.empty()) {
      throw lore::Error(lore::ErrorKind::kUsage, "--row",
                        "no example came from " + options.row +
                            (options.validation ? " (without --validation the training data is searched)"
                                                : " (with --validation the validation data is searched)"));
    }
    return chosen;
  }
  std::int64_t wanted = options.json ? dataset.count() : kShownAsText;
  wanted = options.html.empty() ? wanted : kShownAsHtml;
  wanted = options.summary ? 0 : wanted;
  for (std::int64_t i = 0; i < std::min(dataset.count(), options.count.value_or(wanted)); ++i) {
    chosen.push_back(i);
  }
  return chosen;
}

lore::DataReport report_of(const lore::Recipe& recipe, const lore::Dataset& dataset, bool validation) {
  lore::BatchOptions options;
  if (validation) {
    options.batch_size = recipe.training.batch_size;
    options.max_length = recipe.data.max_length;
    options.shuffle = false;
  } else {
    options = lore::batch_options(recipe, dataset);
  }
  return lore::report_data(dataset.sources(), dataset.lengths(), options,
                           validation ? 0 : recipe.training.gradient_accumulation_steps);
}

void write_page(const Options& options, const lore::Recipe& recipe, const lore::TrainingData& data,
                const std::filesystem::path& model, const lore::Dataset& dataset, lore::DataReport report,
                const std::vector<std::int64_t>& chosen) {
  lore::PreviewPage page;
  page.title = std::filesystem::path(options.recipe).filename().string();
  page.facts = {{"model", lore::base_name(model, recipe.model.path)},
                {"data", options.validation ? "validation" : "training"},
                {"max_length", std::to_string(recipe.data.max_length) + " tokens"}};
  page.report = std::move(report);
  for (const std::int64_t i : chosen) {
    const lore::ExampleView example = dataset.view(i);
    page.examples.push_back({shortened(example.source), lore::token_texts(example, *data.tokenizer)});
  }
  lore::write_file_atomically(options.html, lore::preview_html(page), lore::FileAccess::kOwner);
}

int preview(const Options& options) {
  Console console(options.json);
  const lore::Recipe recipe = lore::read_recipe(options.recipe, options.overrides);
  const lore::Environment environment = process_environment(0);
  const std::filesystem::path model = lore::find_base(recipe.model, environment);
  const lore::TrainingData data = lore::load_training_data(recipe, model, environment, console);
  const lore::Dataset& dataset = options.validation ? data.validation : data.train;
  if (dataset.count() == 0) {
    throw lore::Error(lore::ErrorKind::kUsage, "--validation",
                      "the recipe has neither data.validation nor data.validation_fraction");
  }
  const std::vector<std::int64_t> chosen = chosen_examples(dataset, options);
  const bool prints_examples = options.html.empty() && !(options.json && options.summary);
  const bool colour = wants_colour();
  for (const std::int64_t i : prints_examples ? chosen : std::vector<std::int64_t>()) {
    const lore::ExampleView example = dataset.view(i);
    if (options.json) {
      console.result(lore::preview_json(example, *data.tokenizer)
                         .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
      continue;
    }
    const std::vector<lore::TokenText> tokens = lore::token_texts(example, *data.tokenizer);
    console.styled_result(lore::preview_heading(shortened(example.source), example, colour));
    const std::string text =
        options.ids ? lore::preview_ids(tokens, colour) : lore::preview_text(tokens, colour);
    console.styled_result(text.ends_with('\n') ? text : text + '\n');
  }
  if (options.json && !options.summary) {
    return 0;
  }
  lore::DataReport report = report_of(recipe, dataset, options.validation);
  if (options.json) {
    console.result(
        lore::to_json(report).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return 0;
  }
  for (lore::DataReport::Source& source : report.sources) {
    source.counts.path = shortened(source.counts.path);
  }
  console.styled_result(lore::report_text(report));
  if (!options.html.empty()) {
    write_page(options, recipe, data, model, dataset, std::move(report), chosen);
    console.info("wrote " + options.html + ", which only you can read");
  }
  return 0;
}

}  // namespace

void add_preview(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand(
      "preview", "Show what the model will see: rendered examples, trained tokens marked, and their numbers");
  auto options = std::make_shared<Options>();
  command->add_option("recipe", options->recipe, "Recipe file (YAML or JSON)")->required();
  command->add_option("--set", options->overrides, "Override a recipe key")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--count", options->count,
                   "Examples to show (default: 3, with --html 100, with --json all)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--row", options->row, "Show what became of one row")->type_name("FILE:LINE");
  command->add_flag("--validation", options->validation, "Show validation examples instead of training ones");
  CLI::Option* ids =
      command->add_flag("--ids", options->ids, "Show a line for each token: position, id, text");
  CLI::Option* summary = command->add_flag("--summary", options->summary, "Show the numbers alone");
  CLI::Option* json = command->add_flag("--json", options->json,
                                        "One JSON object a line: source, input_ids, labels, text; with "
                                        "--summary one object with the numbers");
  command->add_option("--html", options->html, "Write a page for a reviewer")
      ->type_name("FILE")
      ->excludes(json)
      ->excludes(ids)
      ->excludes(summary);
  json->excludes(ids);
  command->footer("Example:\n  lore preview recipes/enterprise-terms.yaml --count 1");
  command->callback([options, &exit_code] { exit_code = preview(*options); });
}
