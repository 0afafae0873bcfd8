#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace lore {

/// Names of modules as PEFT spells them: not given, one regular expression (or "all-linear"), or a list.
using ModuleNames = std::variant<std::monostate, std::string, std::vector<std::string>>;

/// What PEFT's adapter_config.json says of a LoRA adapter; names and defaults as in PEFT 0.21.2's LoraConfig.
struct PeftConfig {
  std::string peft_type = "LORA";
  std::string task_type;                ///< empty for null
  std::string base_model_name_or_path;  ///< empty for null
  std::string revision;                 ///< empty for null
  std::int64_t r = 8;
  double lora_alpha = 8;
  double lora_dropout = 0;
  ModuleNames target_modules;
  ModuleNames exclude_modules;
  std::optional<std::vector<std::int64_t>> layers_to_transform;
  std::vector<std::string> layers_pattern;
  std::vector<std::pair<std::string, std::int64_t>>
      rank_pattern;                                           ///< in the file's order: the first match counts
  std::vector<std::pair<std::string, double>> alpha_pattern;  ///< in the file's order
  std::string bias = "none";
  bool use_rslora = false;
  bool use_dora = false;
  bool lora_bias = false;
  bool fan_in_fan_out = false;
  std::vector<std::string> modules_to_save;
  std::variant<bool, std::string> init_lora_weights = true;
  bool inference_mode = true;
  std::string peft_version;  ///< empty: not written; PEFT up to 0.14 cannot read a file that has it
};

/// Reads adapter_config.json. A key or a value that would change the numbers and that Lore does not
/// support is an error; an unknown key that cannot change them is reported in `warnings`.
/// Throws: Error kInput naming key and value.
PeftConfig read_adapter_config(const std::filesystem::path& file, std::vector<std::string>& warnings);

/// Writes adapter_config.json as PEFT does (keys sorted, indent 2, no newline at the end), with only the
/// keys that PEFT, vLLM, llama.cpp's converter and Ollama need or that differ from their defaults.
/// `lora_alpha` is an integer literal when it is integral, which Ollama requires. Of a private path in
/// `base_model_name_or_path` (see is_private_path) the name alone is written.
/// Throws: Error kResources.
void write_adapter_config(const std::filesystem::path& file, const PeftConfig& config);

}  // namespace lore
