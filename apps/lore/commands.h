#pragma once

namespace CLI {
class App;
}

/// Each adds one subcommand to the program. Running it sets `exit_code`; errors are thrown.
void add_train(CLI::App& program, int& exit_code);
void add_evaluate(CLI::App& program, int& exit_code);
void add_generate(CLI::App& program, int& exit_code);
void add_merge(CLI::App& program, int& exit_code);
void add_combine(CLI::App& program, int& exit_code);
void add_extract(CLI::App& program, int& exit_code);
void add_inspect(CLI::App& program, int& exit_code);
void add_quantize(CLI::App& program, int& exit_code);
void add_convert(CLI::App& program, int& exit_code);
void add_preview(CLI::App& program, int& exit_code);
void add_recipe(CLI::App& program, int& exit_code);
void add_verify_resume(CLI::App& program, int& exit_code);
void add_completion(CLI::App& program, int& exit_code);
