#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "console.h"
#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/tasks/run_inspect.h"
#include "process.h"

namespace {

struct Options {
  lore::InspectRequest request;
  std::vector<std::string> difference;
  std::string svg;
  bool json = false;
  int threads = 0;
};

void write_picture(const lore::Inspection& inspection, const std::string& file, Console& console) {
  if (!inspection.heat_map || inspection.heat_map->rows.empty()) {
    throw lore::Error(lore::ErrorKind::kUsage, "--svg",
                      "draws the norms of an adapter; " + inspection.path + " has none to draw");
  }
  lore::write_file_atomically(file, lore::heat_map_svg(*inspection.heat_map));
  console.info("wrote " + file);
}

int inspect(const Options& options) {
  Console console(options.json);
  const bool compares = !options.difference.empty();
  if (compares != options.request.path.empty()) {
    throw lore::Error(lore::ErrorKind::kUsage, "inspect", "give one PATH, or --diff A B");
  }
  const lore::Environment environment = process_environment(options.threads);
  const lore::Inspection inspection =
      compares ? lore::run_inspect_difference(options.difference[0], options.difference[1], environment)
               : lore::run_inspect(options.request, environment);
  if (received_signal() != 0) {
    console.info("interrupted");
    return 128 + received_signal();
  }
  if (options.json) {
    console.result(
        inspection.to_json().dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    std::string text = inspection.text(wants_colour());
    text.pop_back();  // the console ends the line
    console.styled_result(text);
  }
  if (!options.svg.empty()) {
    write_picture(inspection, options.svg, console);
  }
  return compares || inspection.sound() ? 0 : static_cast<int>(lore::ErrorKind::kInput);
}

}  // namespace

void add_inspect(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand(
      "inspect",
      "Say what an adapter, model, GGUF file, tokenizer, data file or run is, and whether it is sound");
  auto options = std::make_shared<Options>();
  command->add_option("path", options->request.path, "Folder, file, or hub id of a model in the local cache");
  command->add_option(
      "--base", options->request.base,
      "With an adapter: the model it is meant for; does it fit, and is it the one it was made on?");
  command->add_option("--diff", options->difference, "Compare two adapters, or two models")
      ->expected(2)
      ->type_name("A B");
  command->add_option("--svg", options->svg, "Draw an adapter's norms, layers by modules, into this file");
  command->add_flag("--deep", options->request.deep, "Read every value of a model, whatever its size");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Examples:\n"
      "  lore inspect runs/enterprise-terms/adapter --base smollm2.gguf --svg norms.svg\n"
      "  lore inspect smollm2.gguf\n"
      "  lore inspect --diff runs/enterprise-terms/best runs/enterprise-terms/adapter\n"
      "Exit code 3: it is not sound; each problem is named. With --diff 0, whether they differ or not.");
  command->callback([options, &exit_code] { exit_code = inspect(*options); });
}
