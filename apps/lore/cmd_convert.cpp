#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "fallback_display.h"
#include "lore/tasks/run_convert.h"
#include "process.h"
#include "time_left.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  lore::ConvertRequest request;
  std::string output;
  bool json = false;
  int threads = 0;
};

/// A status line that is renewed five times a second.
lore::GgufProgress progress_on(Console& console) {
  return [&console, shown = Clock::time_point(), time_left = TimeLeft()](std::uint64_t written,
                                                                         std::uint64_t all) mutable {
    constexpr auto kPause = std::chrono::milliseconds(200);
    if (const auto now = Clock::now(); now - shown >= kPause) {
      shown = now;
      console.status(fmt::format("writing {:.2f} of {:.2f} GB{}", static_cast<double>(written) / 1e9,
                                 static_cast<double>(all) / 1e9,
                                 time_left.after(static_cast<double>(written) / static_cast<double>(all))));
    }
  };
}

void print(Console& console, const Options& options, const lore::Conversion& result, double seconds) {
  console.result(fmt::format("{:<10} {} of type {}: {} tensors, {:.2f} MB in {:.1f} s", options.request.to,
                             result.what, result.type, result.tensors,
                             static_cast<double>(result.bytes) / 1e6, seconds));
  print_fallbacks(console, result.fallbacks);
  console.result("output     " + options.request.output.string());
}

int convert(Options& options) {
  Console console(options.json);
  options.request.output = options.output;
  const Clock::time_point start = Clock::now();
  const auto result =
      lore::run_convert(options.request, process_environment(options.threads), progress_on(console));
  if (!result) {
    console.info("interrupted; nothing was written");
    return 128 + received_signal();
  }
  for (const std::string& warning : result->warnings) {
    console.warning(warning);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (!options.json) {
    print(console, options, *result, seconds);
    return 0;
  }
  console.result(nlohmann::ordered_json{
      {"output", options.request.output.string()},
      {"to", options.request.to},
      {"what", result->what},
      {"type", result->type},
      {"tensors", result->tensors},
      {"bytes", result->bytes},
      {"fallbacks", tensor_names(result->fallbacks)},
      {"files", result->files},
      {"warnings", result->warnings},
      {"seconds",
       seconds}}.dump());
  return 0;
}

}  // namespace

void add_convert(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand(
      "convert", "Convert models and adapters between Hugging Face folders and GGUF files");
  auto options = std::make_shared<Options>();
  lore::ConvertRequest& request = options->request;
  command
      ->add_option("input", request.input,
                   "Model folder, GGUF file or hub id in the local cache; adapter folder or GGUF adapter")
      ->required();
  command
      ->add_option(
          "--to", request.to,
          "gguf (own type), " + lore::gguf_format_names() + "; hf; for adapters gguf, peft, portable")
      ->required();
  command->add_option("--output", options->output, "File for gguf, folder for hf, peft and portable")
      ->required();
  command->add_option("--base", request.base,
                      "The model an adapter was made on: folder, GGUF file or hub id");
  command->add_option("--base-name", request.base_name, "What the written adapter calls its base: a hub id");
  command->add_option("--dtype", request.dtype, "For hf: base, float32, bfloat16 or float16")
      ->capture_default_str()
      ->check(CLI::IsMember({"base", "float32", "bfloat16", "float16"}));
  command->add_option("--shard-size", request.shard_bytes, "For hf, the largest weight file: 5GB, 200MB")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->default_str("5GB");
  command->add_flag("--overwrite", request.overwrite, "Replace what an earlier conversion wrote there");
  command->add_flag("--json", options->json, "One JSON object on stdout; messages go to stderr");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Examples:\n"
      "  lore convert smollm2.gguf --to hf --output unpacked\n"
      "  lore convert merged --to gguf:q8_0 --output merged.gguf\n"
      "  lore convert runs/enterprise-terms/adapter --to gguf --base smollm2.gguf --output terms-lora.gguf\n"
      "  lore convert terms-lora.gguf --to peft --base smollm2.gguf --output terms-peft\n"
      "  lore convert runs/enterprise-terms/adapter --to portable --output terms-portable\n"
      "The output appears only when it is complete, and replaces nothing without --overwrite.");
  command->callback([options, &exit_code] { exit_code = convert(*options); });
}
