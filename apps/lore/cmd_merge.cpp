#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapter_options.h"
#include "commands.h"
#include "console.h"
#include "fallback_display.h"
#include "lore/core/error.h"
#include "lore/tasks/merge_to_gguf.h"
#include "process.h"

namespace {

struct Options {
  lore::MergeRequest request;
  AdapterOptions adapters;
  std::string output;
  std::string to = "hf";
  std::string probe;
  bool no_verify = false;
  bool json = false;
  int threads = 0;
};

std::vector<std::string> names_of_outputs() {
  std::vector<std::string> names{"hf"};
  for (const lore::GgufFormat& format : lore::gguf_formats()) {
    names.emplace_back(format.name);
  }
  return names;
}

/// "5GB", "200MB", "60KB" or bytes.
CLI::Validator as_bytes() { return CLI::AsSizeValue(/*kb_is_1000=*/true); }

void print_restoration(Console& console, const lore::Restoration& restoration) {
  if (!restoration.base.empty()) {
    console.result(fmt::format("restored   {} {}", restoration.base,
                               restoration.exact
                                   ? "to the byte: the tensors have the SHA-256 that the adapter records"
                                   : "up to rounding: the tensors have another SHA-256 than the "
                                     "adapter records"));
  }
  if (restoration.original) {
    const lore::WeightDifference& difference = *restoration.original;
    console.result(fmt::format("original   {}: {} of {} weights differ, by at most {:.3g}",
                               restoration.original_name, difference.differing, difference.elements,
                               difference.max_abs));
  }
}

void print(Console& console, const lore::MergeOutcome& outcome) {
  const lore::MergeReport& report = outcome.report;
  const lore::RoundedUpdate total = report.total();
  console.result(fmt::format("{:<10} {} ({} tensors, {}, {:.2f} GB)", report.subtract ? "merged" : "base",
                             report.base_name, report.base.tensors, report.binding,
                             static_cast<double>(report.base.bytes) / 1e9));
  console.result(fmt::format("adapter    {}: {} modules, rank {}", report.adapter_name, report.updates.size(),
                             report.config.r));
  console.result(fmt::format("update     {:.2f}% left after rounding to {}; {} of {} weights changed",
                             100 * lore::surviving_share(total), report.dtype, total.changed,
                             total.elements));
  std::map<std::string, lore::RoundedUpdate> leaves;
  for (const lore::ModuleUpdate& update : report.updates) {
    leaves[update.module.substr(update.module.rfind('.') + 1)] += update.update;
  }
  for (const auto& [leaf, update] : leaves) {
    console.result(fmt::format("           {:<10} {:.2f}%", leaf, 100 * lore::surviving_share(update)));
  }
  if (report.proof) {
    const lore::MergeProof& proof = *report.proof;
    console.result(fmt::format(
        "proof      {} by at most {:.3g}, {:.3g} on average; KL {:.3g} nats a token (bound {:.3g}); top-1 "
        "agreement {:.2f}%",
        report.subtract ? "logits of result + adapter differ from the merged model's"
                        : "logits differ from base + adapter",
        proof.merged.max_abs, proof.merged.mean_abs, proof.merged.kl, proof.kl_bound,
        100 * proof.merged.top1_agreement));
    console.result(
        fmt::format("           on {} tokens in {} sequences ({}); the adapter itself moves the base by "
                    "KL {:.3g}",
                    proof.tokens, proof.sequences, proof.probe, proof.adapter_effect.kl));
    if (proof.base_rounding) {
      console.result(fmt::format("           rounding the base alone to {} costs KL {:.3g}", report.dtype,
                                 proof.base_rounding->kl));
    }
  } else {
    console.result("proof      skipped (--no-verify)");
  }
  if (report.restoration) {
    print_restoration(console, *report.restoration);
  }
}

void print_folder(Console& console, const lore::MergeOutcome& outcome) {
  print(console, outcome);
  console.result(
      fmt::format("written    {} in {:.1f} s, {} weight file(s){}", outcome.folder.string(),
                  outcome.write_seconds, outcome.report.shards,
                  outcome.report.proof ? fmt::format(", proved in {:.1f} s", outcome.proof_seconds) : ""));
}

void print_file(Console& console, const lore::GgufMerge& result) {
  print(console, result.merge);
  if (result.rounding) {
    console.result(
        fmt::format("rounding   to {} moves the logits by KL {:.3g}, at most by {:.3g}; top-1 agreement "
                    "{:.2f}%",
                    result.file.type, result.rounding->kl, result.rounding->max_abs,
                    100 * result.rounding->top1_agreement));
  }
  print_fallbacks(console, result.file.fallbacks);
  console.result(fmt::format("written    {} ({}, {} tensors, {:.2f} MB)", result.merge.folder.string(),
                             result.file.type, result.file.tensors,
                             static_cast<double>(result.file.bytes) / 1e6));
}

void warn(Console& console, const lore::MergeReport& report) {
  for (const std::string& missing : report.missing) {
    console.warning(missing);
  }
  if (report.proof && report.proof->merged.kl > report.proof->adapter_effect.kl / 4) {
    console.warning(fmt::format(
        "rounding to {} moves the logits by KL {:.3g}, the adapter itself by {:.3g}: little of what it "
        "learned can be told from rounding; consider --dtype float32",
        report.dtype, report.proof->merged.kl, report.proof->adapter_effect.kl));
  }
}

nlohmann::ordered_json to_json(const lore::MergeOutcome& outcome) {
  nlohmann::ordered_json json = lore::to_json(outcome.report);
  json["output"] = outcome.folder.string();
  json["write_seconds"] = outcome.write_seconds;
  json["proof_seconds"] = outcome.proof_seconds;
  return json;
}

int tell_interrupted(Console& console) {
  console.info("interrupted; nothing was written");
  return 128 + received_signal();
}

int merge_to_folder(const Options& options, const lore::Environment& environment, Console& console) {
  const auto outcome = lore::run_merge(options.request, environment, console);
  if (!outcome) {
    return tell_interrupted(console);
  }
  warn(console, outcome->report);
  if (options.json) {
    console.result(to_json(*outcome).dump());
  } else {
    print_folder(console, *outcome);
  }
  return 0;
}

int merge_to_file(const Options& options, const lore::Environment& environment, Console& console) {
  const auto result = lore::merge_to_gguf(options.request, options.to, environment, console);
  if (!result) {
    return tell_interrupted(console);
  }
  warn(console, result->merge.report);
  if (options.json) {
    nlohmann::ordered_json json = to_json(result->merge);
    json["gguf"] = {{"type", result->file.type},
                    {"tensors", result->file.tensors},
                    {"bytes", result->file.bytes},
                    {"fallbacks", tensor_names(result->file.fallbacks)},
                    {"rounding", nullptr}};
    if (result->rounding) {
      json["gguf"]["rounding"] = {{"kl", result->rounding->kl},
                                  {"max_abs", result->rounding->max_abs},
                                  {"mean_abs", result->rounding->mean_abs},
                                  {"top1_agreement", result->rounding->top1_agreement}};
    }
    console.result(json.dump());
  } else {
    print_file(console, *result);
  }
  return 0;
}

int merge(Options options) {
  Console console(options.json);
  options.request.adapters = options.adapters.adapters();
  if (!options.request.original.empty() && !options.request.subtract) {
    throw lore::Error(lore::ErrorKind::kUsage, "--original", "is for --subtract");
  }
  options.request.verify = !options.no_verify;
  options.request.output = options.output;
  options.request.probe = options.probe;
  const lore::Environment environment = process_environment(options.threads);
  return options.to == "hf" ? merge_to_folder(options, environment, console)
                            : merge_to_file(options, environment, console);
}

}  // namespace

void add_merge(CLI::App& program, int& exit_code) {
  CLI::App* command =
      program.add_subcommand("merge", "Merge adapters into their base, and prove that the result is both");
  auto options = std::make_shared<Options>();
  lore::MergeRequest& request = options->request;
  command->add_option("--base", request.base, "Model folder, GGUF file, or hub id in the local cache")
      ->required();
  options->adapters.add_to(*command);
  command
      ->add_option("--output", options->output, "Folder for the merged model; a .gguf file with --to gguf:")
      ->required();
  command->add_option("--to", options->to, "hf, a model folder, or a GGUF file: " + lore::gguf_format_names())
      ->capture_default_str()
      ->check(CLI::IsMember(names_of_outputs()));
  command->add_flag("--subtract", request.subtract,
                    "Take the adapter out of a merged model, which --base names, instead of putting it in");
  command->add_option("--original", request.original,
                      "With --subtract: the base it once was, to count what rounding lost");
  command
      ->add_option(
          "--dtype", request.dtype,
          "base, float32, bfloat16 or float16; base keeps the base's own, bfloat16 for a quantized one")
      ->capture_default_str()
      ->check(CLI::IsMember({"base", "float32", "bfloat16", "float16"}));
  command->add_option("--shard-size", request.shard_bytes, "Largest weight file: 5GB, 200MB")
      ->transform(as_bytes())
      ->default_str("5GB");
  command->add_option(
      "--probe", options->probe,
      "File with a text a line to compare the models on (default: text in several languages)");
  command->add_flag("--no-verify", options->no_verify, "Leave out the proof; the output records that");
  command->add_flag(
      "--allow-base-mismatch", request.allow_base_mismatch,
      "Merge into another base than the adapter was made on, or subtract from a model it is not "
      "in; the output records that");
  command->add_flag("--overwrite", request.overwrite, "Replace the merged model at the output");
  command->add_flag("--json", options->json, "One JSON object on stdout; messages go to stderr");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Examples:\n"
      "  lore merge --base smollm2.gguf --adapter runs/enterprise-terms/adapter --output merged\n"
      "  lore merge --base smollm2.gguf --adapter runs/enterprise-terms/adapter --output merged-fp32 "
      "--dtype float32 --shard-size 200MB\n"
      "  lore merge --base smollm2.gguf --adapter runs/enterprise-terms/adapter --weight 0.7 "
      "--adapter runs/enterprise-terms/best --weight 0.3 --output merged-both\n"
      "  lore merge --base smollm2.gguf --adapter runs/enterprise-terms/adapter --to gguf:q8_0 --output "
      "merged.gguf\n"
      "  lore merge --subtract --base merged --adapter runs/enterprise-terms/adapter --output unmerged\n"
      "Exit code 4: the adapter changes nothing, the base is not the one it was made on, or the proof "
      "failed.\n"
      "The output folder appears only when it is complete.");
  command->callback([options, &exit_code] { exit_code = merge(*options); });
}
