#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapter_options.h"
#include "commands.h"
#include "console.h"
#include "fallback_display.h"
#include "lore/tasks/int_format.h"
#include "lore/tasks/run_quantize.h"
#include "process.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  lore::QuantizeRequest request;
  AdapterOptions adapters;
  std::string output;
  bool no_verify = false;
  bool json = false;
  int threads = 0;
};

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const lore::GgufFormat& format : lore::gguf_formats()) {
    names.emplace_back(format.name);
  }
  for (const lore::IntFormat& format : lore::int_formats()) {
    names.emplace_back(format.name);
  }
  return names;
}

/// A status line that is renewed five times a second, with the time that is left of each step.
lore::QuantizeProgress progress_on(Console& console) {
  return [&console, step = std::string(), started = Clock::now(), shown = Clock::time_point()](
             const std::string& what, double share) mutable {
    constexpr auto kPause = std::chrono::milliseconds(200);
    const auto now = Clock::now();
    if (step != what) {
      step = what;
      started = now;
    }
    if (now - shown < kPause) {
      return;
    }
    shown = now;
    const double seconds = std::chrono::duration<double>(now - started).count();
    const std::string left =
        share > 0 && seconds > 1 ? fmt::format(", {:.0f} s left", seconds * (1 / share - 1)) : "";
    console.status(fmt::format("{}: {:.0f}%{}", what, 100 * share, left));
  };
}

void print(Console& console, const Options& options, const lore::QuantizeOutcome& outcome) {
  console.result(fmt::format("{:<10} {:.2f} MB, {:.2f} bits a weight, {} tensors; {} in {:.1f} s",
                             outcome.type, static_cast<double>(outcome.bytes) / 1e6, outcome.bits_per_weight,
                             outcome.tensors, outcome.method, outcome.write_seconds));
  if (!outcome.calibration.empty()) {
    console.result(
        fmt::format("calibrated {} tokens of {}", outcome.calibration_tokens, outcome.calibration));
  }
  print_fallbacks(console, outcome.fallbacks);
  if (!outcome.unfit.empty()) {
    console.result(fmt::format("as it was  {} module(s) whose width is no multiple of 32: {}, ...",
                               outcome.unfit.size(), outcome.unfit.front()));
  }
  if (outcome.difference) {
    const lore::LogitDifference& difference = *outcome.difference;
    console.result(fmt::format("{:<10} {:>12} {:>12}", "", "before", "after"));
    console.result(fmt::format("{:<10} {:>12.2f} {:>12.2f}  MB of weights", "size",
                               static_cast<double>(outcome.source_bytes) / 1e6,
                               static_cast<double>(outcome.bytes) / 1e6));
    console.result(fmt::format("{:<10} {:>12.4f} {:>12.4f}", "perplexity",
                               std::exp(difference.reference_loss), std::exp(difference.loss)));
    console.result(fmt::format("{:<10} {:>12} {:>12.6f}  nats a token; {:.4f} at most", "KL", "",
                               difference.kl, difference.max_kl));
    console.result(fmt::format("{:<10} {:>12} {:>11.2f}%  of tokens", "same top-1", "",
                               100 * difference.top1_agreement));
    console.result(
        fmt::format("           on {} tokens of {}", outcome.evaluation_tokens, outcome.evaluation));
  }
  console.result("output     " + options.request.output.string());
}

int quantize(Options& options) {
  Console console(options.json);
  options.request.output = options.output;
  options.request.adapters = options.adapters.adapters();
  options.request.verify = !options.no_verify;
  const auto outcome =
      lore::run_quantize(options.request, process_environment(options.threads), progress_on(console));
  if (!outcome) {
    console.info("interrupted; nothing was written");
    return 128 + received_signal();
  }
  for (const std::string& warning : outcome->warnings) {
    console.warning(warning);
  }
  if (!options.json) {
    print(console, options, *outcome);
    return 0;
  }
  nlohmann::ordered_json json{{"output", options.request.output.string()},
                              {"format", options.request.format}};
  json.update(lore::to_json(*outcome));
  console.result(json.dump());
  return 0;
}

}  // namespace

void add_quantize(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand(
      "quantize",
      "Write a model in fewer bits, for llama.cpp, transformers or vLLM, and measure what that costs");
  auto options = std::make_shared<Options>();
  lore::QuantizeRequest& request = options->request;
  command->add_option("--model", request.model, "Model folder, GGUF file, or hub id in the local cache")
      ->required();
  command
      ->add_option("--format", request.format,
                   "A GGUF file: " + lore::gguf_format_names() +
                       "; a folder of compressed-tensors: hf:w8a16, hf:w4a16, hf:w8a8")
      ->required()
      ->check(CLI::IsMember(format_names()));
  command->add_option("--output", options->output, "File for gguf:, folder for hf:")->required();
  options->adapters.add_to(*command, /*required=*/false);
  command
      ->add_option(
          "--method", request.method,
          "rtn: round to nearest; importance: columns count by their inputs; gptq: what is lost is made good "
          "(hf: only); auto: the best that --calibration or --imatrix allows")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "rtn", "importance", "gptq"}));
  command->add_option("--calibration", request.calibration, "Text that importance and gptq look at");
  command->add_option("--calibration-tokens", request.calibration_tokens, "Tokens of it")
      ->capture_default_str()
      ->check(CLI::Range(2, 1 << 24));
  command->add_option("--imatrix", request.imatrix,
                      "Importance matrix of llama.cpp (.gguf or .dat), read instead");
  command->add_option("--save-imatrix", request.save_imatrix,
                      "Write the collected importance matrix (.gguf or .dat)");
  command->add_option("--evaluate", request.evaluate,
                      "Text on which the loss is measured (default: a few lines in several languages)");
  command->add_option("--evaluate-tokens", request.evaluate_tokens, "Tokens of it")
      ->capture_default_str()
      ->check(CLI::Range(2, 1 << 24));
  command->add_flag("--no-verify", options->no_verify, "Do not measure the loss");
  command->add_flag("--requantize", request.requantize, "Quantize a model that is quantized already");
  command->add_option("--shard-size", request.shard_bytes, "For hf:, the largest weight file: 5GB, 200MB")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->default_str("5GB");
  command->add_flag("--allow-base-mismatch", request.allow_base_mismatch,
                    "Merge into another base than the adapter was made on");
  command->add_flag("--overwrite", request.overwrite, "Replace what an earlier run wrote there");
  command->add_flag("--json", options->json, "One JSON object on stdout; messages go to stderr");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Examples:\n"
      "  lore quantize --model merged --format gguf:q4_k_m --output merged-q4_k_m.gguf\n"
      "  lore quantize --model merged --format gguf:q4_0 --calibration data-samples/README.md "
      "--evaluate data-samples/demo.questions.txt --output merged-q4_0.gguf\n"
      "  lore quantize --model merged --format hf:w4a16 --calibration data-samples/README.md --output "
      "merged-w4a16\n"
      "  lore quantize --model smollm2.gguf --adapter runs/enterprise-terms/adapter --format gguf:q8_0 "
      "--output "
      "terms.gguf\n"
      "Exit code 4: the model is quantized already, or the adapter was made on another base.\n"
      "The output appears only when it is complete.");
  command->callback([options, &exit_code] { exit_code = quantize(*options); });
}
