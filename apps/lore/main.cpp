#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "console.h"
#include "lore/core/error.h"
#include "lore/core/interruption.h"
#include "lore/core/suggestion.h"
#include "process.h"

namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 internal error; 2 usage or recipe error; 3 bad input file; 4 refused; "
    "5 out of memory or disk; 6 training diverged; 128 + signal when interrupted.";

constexpr const char* kOutOfMemory =
    "out of memory; lower training.batch_size or data.max_length, or use a smaller model";

int exit_code_of(lore::ErrorKind kind) { return static_cast<int>(kind); }

/// LibTorch's allocator says that memory is out by an error of its own.
bool is_out_of_memory(std::string_view text) {
  return text.find("DefaultCPUAllocator") != std::string_view::npos ||
         text.find("out of memory") != std::string_view::npos;
}

/// What to say of a first word that is no command; nothing where it is one.
std::optional<std::string> unknown_command(const CLI::App& program, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') {
    return {};
  }
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) {
    return {};
  }
  return fmt::format("unknown command '{}'{}", argv[1], lore::did_you_mean(argv[1], names));
}

}  // namespace

int main(int argc, char** argv) {
  Console console;
  int exit_code = 0;
  try {
    CLI::App program{"Lore teaches a language model your words: LoRA fine-tuning, on your own machine.",
                     "lore"};
    program.set_version_flag("--version", std::string("lore ") + LORE_VERSION);
    program.require_subcommand(1);
    program.footer(kExitCodes);
    add_train(program, exit_code);
    add_evaluate(program, exit_code);
    add_generate(program, exit_code);
    add_merge(program, exit_code);
    add_combine(program, exit_code);
    add_extract(program, exit_code);
    add_inspect(program, exit_code);
    add_quantize(program, exit_code);
    add_convert(program, exit_code);
    add_preview(program, exit_code);
    add_recipe(program, exit_code);
    add_verify_resume(program, exit_code);
    add_completion(program, exit_code);
    try {
      program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
        return program.exit(error);
      }
      console.error(unknown_command(program, argc, argv).value_or(error.what()));
      console.info("Run with --help to see what can be given.");
      return exit_code_of(lore::ErrorKind::kUsage);
    }
    return exit_code;
  } catch (const lore::Error& error) {
    console.error(error.what());
    return exit_code_of(error.kind());
  } catch (const lore::Interruption& interruption) {
    console.error(interruption.what());
    return 128 + received_signal();
  } catch (const std::bad_alloc&) {
    console.error(kOutOfMemory);
    return exit_code_of(lore::ErrorKind::kResources);
  } catch (const std::exception& error) {
    // Torch appends a stack trace after the first line.
    const std::string text = error.what();
    if (is_out_of_memory(text)) {
      console.error(kOutOfMemory);
      return exit_code_of(lore::ErrorKind::kResources);
    }
    console.error("internal error: " + text.substr(0, text.find('\n')));
    return exit_code_of(lore::ErrorKind::kInternal);
  }
}
