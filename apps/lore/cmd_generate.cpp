#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "answer_display.h"
#include "commands.h"
#include "console.h"
#include "lore/core/error.h"
#include "lore/tasks/chat.h"
#include "lore/tasks/prompt_lines.h"
#include "lore/tasks/run_generate.h"
#include "process.h"
#include "time_left.h"

namespace {

struct Options {
  lore::AnsweringSpec spec;
  std::vector<std::string> prompts;
  std::string prompts_file;
  bool chat = false;
  bool stream = false;
  bool json = false;
  bool latency = false;
  std::string latency_budget;
  int threads = 0;
};

/// "100ms", "0.1s" or "0.1" in seconds.
double duration_of(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || !std::isfinite(number) || number <= 0 ||
      (unit != "ms" && unit != "s" && !unit.empty())) {
    throw lore::Error(lore::ErrorKind::kUsage, "--latency-budget",
                      fmt::format("\"{}\" is no time; give one as 100ms or 0.1s", text));
  }
  return unit == "ms" ? number / 1000 : number;
}

/// The latency of each model's answers, and whether it is within the budget.
class LatencyReport {
 public:
  explicit LatencyReport(const Options& options)
      : is_wanted_(options.latency || !options.latency_budget.empty()) {
    if (!options.latency_budget.empty()) {
      budget_ = duration_of(options.latency_budget);
    }
  }

  void add(const std::string& model, const lore::Answer& answer) { models_[model].add(answer); }

  /// Returns the exit code.
  int show(AnswerDisplay& display) const {
    int code = 0;
    for (const auto& [model, latency] : models_) {
      if (is_wanted_) {
        display.latency(model, latency, budget_);
      }
      if (budget_ && !latency.keeps(*budget_)) {
        code = static_cast<int>(lore::ErrorKind::kRefused);
      }
    }
    return code;
  }

 private:
  bool is_wanted_;
  std::optional<double> budget_;
  std::map<std::string, lore::AnswerLatency> models_;
};

std::vector<std::string> read_prompts(const std::string& path) {
  if (path == "-") {
    return lore::read_prompt_lines(std::cin);
  }
  std::ifstream file(path);
  if (!file) {
    throw lore::Error(lore::ErrorKind::kInput, path, "cannot be opened");
  }
  return lore::read_prompt_lines(file);
}

bool shows_text_on_a_terminal() { return isatty(STDOUT_FILENO) == 1; }

int exit_code_of_signal() { return received_signal() != 0 ? 128 + received_signal() : 0; }

int answer_prompts(const Options& options, Console& console) {
  std::vector<std::string> prompts = options.prompts;
  if (!options.prompts_file.empty()) {
    const std::vector<std::string> lines = read_prompts(options.prompts_file);
    prompts.insert(prompts.end(), lines.begin(), lines.end());
  }
  if (prompts.empty()) {
    throw lore::Error(lore::ErrorKind::kUsage, "generate",
                      "needs a prompt; give --prompt TEXT, --prompts FILE or --chat");
  }
  LatencyReport latency(options);
  const bool streams =
      !options.json && (options.stream || (shows_text_on_a_terminal() && prompts.size() == 1));
  AnswerDisplay display(console, streams, options.spec.compare);
  display.show_prompts();
  TimeLeft time_left;
  lore::run_generate(
      options.spec, prompts, process_environment(options.threads), console,
      {.on_text = [&](const lore::GeneratedAnswer& so_far,
                      std::string_view text) { display.text(so_far, prompts[so_far.prompt], text); },
       .on_answer =
           [&](const lore::GeneratedAnswer& answer) {
             display.answer(answer, prompts[answer.prompt]);
             latency.add(answer.model, answer.answer);
           },
       .on_progress =
           [&](const lore::GenerateProgress& progress) {
             if (!streams) {
               const double share =
                   static_cast<double>(progress.answers) / static_cast<double>(progress.prompts);
               console.status(fmt::format("{}  {}/{} answers  {} tokens  {:.1f} tokens/s{}", progress.model,
                                          progress.answers, progress.prompts, progress.tokens,
                                          static_cast<double>(progress.tokens) / progress.seconds,
                                          time_left.after(share, std::string(progress.model))));
             }
           }});
  console.clear_status();
  return received_signal() != 0 ? exit_code_of_signal() : latency.show(display);
}

/// Answers each line of stdin as a message of one conversation, until stdin ends.
int chat(const Options& options, Console& console) {
  if (!options.prompts.empty() || !options.prompts_file.empty()) {
    throw lore::Error(lore::ErrorKind::kUsage, "generate",
                      "--chat reads its messages from stdin; leave --prompt and --prompts out");
  }
  LatencyReport latency(options);
  lore::Chat chat(options.spec, process_environment(options.threads), console);
  const bool is_typed = isatty(STDIN_FILENO) == 1 && !options.json;
  AnswerDisplay display(console, !options.json && (options.stream || shows_text_on_a_terminal()),
                        /*names_models=*/false);
  while (received_signal() == 0) {
    if (is_typed) {
      console.stream("> ");
    }
    std::string message;
    if (!std::getline(std::cin, message)) {
      break;
    }
    if (message.empty()) {
      continue;
    }
    lore::GeneratedAnswer so_far;
    const lore::GeneratedAnswer answer =
        chat.answer(message, [&](std::string_view text) { display.text(so_far, message, text); });
    display.answer(answer, message);
    latency.add(answer.model, answer.answer);
    if (is_typed && received_signal() == SIGINT) {
      forget_signal();
    }
  }
  if (is_typed) {
    console.result("");
  }
  return received_signal() != 0 ? exit_code_of_signal() : latency.show(display);
}

int generate(const Options& options) {
  Console console(options.json);
  return options.chat ? chat(options, console) : answer_prompts(options, console);
}

void add_sampling(CLI::App& command, lore::GenerationSettings& settings) {
  lore::SamplingSettings& sampling = settings.sampling;
  command.add_option("--max-new-tokens", settings.max_new_tokens, "Longest answer, in tokens")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--temperature", sampling.temperature,
                  "Draws tokens, more evenly the higher it is; 0 takes the likeliest")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0));
  command.add_option("--top-k", sampling.top_k, "Draws among the K likeliest tokens; 0: among all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--top-p", sampling.top_p, "Draws among the likeliest tokens that reach this probability")
      ->capture_default_str()
      ->check(CLI::Range(1e-6, 1.0));
  command
      .add_option("--min-p", sampling.min_p,
                  "Draws among tokens at least this times as probable as the likeliest")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--repetition-penalty", sampling.repetition_penalty,
                  "Above 1, makes tokens that were there before less likely")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 100.0));
  command.add_option("--seed", sampling.seed, "Chooses the random numbers")->capture_default_str();
  command
      .add_option("--cache-tokens", settings.cache_tokens,
                  "Tokens of prompts and longest answers that are held in memory at once")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

}  // namespace

void add_generate(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("generate", "Answer prompts with a base model and an adapter");
  auto options = std::make_shared<Options>();
  lore::AnsweringSpec& spec = options->spec;
  command->add_option("--base", spec.model.path, "Model folder, GGUF file, or hub id in the local cache")
      ->required();
  command->add_option("--adapter", spec.adapter, "Adapter folder (PEFT's files)");
  command->add_flag("--compare", spec.compare, "Answer with the base first, then with the adapter");
  command->add_option("--prompt", options->prompts, "A prompt; may be given more than once")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--prompts", options->prompts_file, "File with one prompt a line; - is stdin");
  command->add_flag("--chat", options->chat, "Answer each line of stdin as a message of one conversation");
  command->add_option("--system", spec.system, "System message for the chat template");
  command
      ->add_option("--template", spec.chat_template, "Chat template: auto, none (raw text), a name or a file")
      ->capture_default_str();
  command->add_option(
      "--date", spec.date,
      "The day a template that asks for it takes for today, YYYY-MM-DD (default: today, UTC)");
  add_sampling(*command, spec.settings);
  command->add_option("--stop", spec.stop, "Text that ends an answer; may be given more than once")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--dtype", spec.model.dtype, "auto, float32 or bfloat16")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "float32", "bfloat16"}));
  spec.model.quantization = "auto";
  command
      ->add_option("--quantization", spec.model.quantization,
                   "How matrices are held: stored (a GGUF file's blocks as they are), none (as numbers of "
                   "--dtype), int8, int4 or nf4; auto: stored, or none where --dtype is given")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "none", "stored", "int8", "int4", "nf4"}));
  command->add_option("--device", spec.model.device, "cpu, cuda or cuda:N")->capture_default_str();
  CLI::Option* stream =
      command->add_flag("--stream", options->stream,
                        "Show text as it comes, as is usual for one prompt or a chat on a terminal");
  command->add_flag("--json", options->json, "One JSON object a line on stdout")->excludes(stream);
  command->add_flag("--latency", options->latency,
                    "Report the time to the first token and from token to token: p50, p95, p99");
  command->add_option("--latency-budget", options->latency_budget,
                      "The same, and exit code 4 where the p95 of either is above this time, as 100ms");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Example:\n  lore generate --base smollm2.gguf --adapter runs/enterprise-terms/adapter --compare "
      "--prompt \"What is a risk-control threshold?\"");
  command->callback([options, &exit_code] {
    lore::ModelSpec& model = options->spec.model;
    if (model.quantization == "auto") {
      model.quantization = model.dtype == "auto" && model.device == "cpu" ? "stored" : "none";
    }
    exit_code = generate(*options);
  });
}
