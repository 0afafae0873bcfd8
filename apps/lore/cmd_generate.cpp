#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "lore/core/error.h"
#include "lore/tasks/run_generate.h"
#include "process.h"

namespace {

struct Options {
  lore::GenerateRequest request;
  std::string prompts_file;
  bool json = false;
  int threads = 0;
};

std::vector<std::string> read_prompts(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw lore::Error(lore::ErrorKind::kInput, path, "cannot be opened");
  }
  std::vector<std::string> prompts;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
    if (!line.empty()) {
      prompts.push_back(line);
    }
  }
  return prompts;
}

int generate(Options options) {
  Console console(options.json);
  if (!options.prompts_file.empty()) {
    const std::vector<std::string> prompts = read_prompts(options.prompts_file);
    options.request.prompts.insert(options.request.prompts.end(), prompts.begin(), prompts.end());
  }
  if (options.request.prompts.empty()) {
    throw lore::Error(lore::ErrorKind::kUsage, "generate",
                      "needs a prompt; give --prompt TEXT or --prompts FILE");
  }
  std::string last_prompt;
  lore::run_generate(options.request, process_environment(options.threads), console,
                     [&](const lore::GeneratedAnswer& answer) {
                       if (console.json()) {
                         console.result(nlohmann::ordered_json{{"prompt", answer.prompt},
                                                               {"model", answer.model},
                                                               {"text", answer.text},
                                                               {"prompt_tokens", answer.prompt_tokens},
                                                               {"new_tokens", answer.new_tokens},
                                                               {"seconds", answer.seconds}}
                                            .dump());
                         return;
                       }
                       if (answer.prompt != last_prompt) {
                         console.result(fmt::format("\n> {}", answer.prompt));
                         last_prompt = answer.prompt;
                       }
                       console.result(options.request.compare
                                          ? fmt::format("  {:<8} {}", answer.model, answer.text)
                                          : answer.text);
                     });
  return received_signal() != 0 ? 128 + received_signal() : 0;
}

}  // namespace

void add_generate(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("generate", "Answer prompts with a base model and an adapter");
  auto options = std::make_shared<Options>();
  lore::GenerateRequest& request = options->request;
  command->add_option("--base", request.model.path, "Model folder, GGUF file, or hub id in the local cache")
      ->required();
  command->add_option("--adapter", request.adapter, "Adapter folder (PEFT's files)");
  command->add_flag("--compare", request.compare, "Answer with the base first, then with the adapter");
  command->add_option("--prompt", request.prompts, "A prompt; may be given more than once")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--prompts", options->prompts_file, "File with one prompt a line");
  command->add_option("--system", request.system, "System message for the chat template");
  command
      ->add_option("--template", request.chat_template,
                   "Chat template: auto, none (raw text), a name or a file")
      ->capture_default_str();
  command->add_option(
      "--date", request.date,
      "The day a template that asks for it takes for today, YYYY-MM-DD (default: today, UTC)");
  command->add_option("--max-new-tokens", request.max_new_tokens, "Longest answer, in tokens")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command->add_option("--dtype", request.model.dtype, "auto, float32 or bfloat16")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "float32", "bfloat16"}));
  command->add_option("--device", request.model.device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_flag("--json", options->json, "One JSON object a line on stdout");
  command->add_option("--threads", options->threads, "Threads (default: what the machine grants)")
      ->check(CLI::Range(1, 4096));
  command->footer(
      "Example:\n  lore generate --base models/smollm2 --adapter runs/terms/adapter --compare "
      "--prompt \"What is a risk-control threshold?\"");
  command->callback([options, &exit_code] { exit_code = generate(*options); });
}
