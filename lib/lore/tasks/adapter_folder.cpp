#include "lore/tasks/adapter_folder.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lore/adapters/base_initialization.h"
#include "lore/adapters/peft_files.h"
#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"

namespace lore {
namespace {

std::string model_card(const LoraAdapter& trained, const LlamaForCausalLm& model,
                       const nlohmann::ordered_json& manifest) {
  const LoraAdapter adapter = to_plain_lora(trained);
  const PeftConfig& config = adapter.config;
  std::string card = "---\nlibrary_name: peft\n";
  if (!config.base_model_name_or_path.empty()) {
    card += fmt::format("base_model: {}\n", nlohmann::json(config.base_model_name_or_path).dump());
  }
  card += "tags:\n- lora\n---\n\n# LoRA adapter\n\n";
  card += fmt::format("Low-rank update of `{}`, made by Lore.\n\n", config.base_model_name_or_path);
  card += fmt::format("| | |\n|---|---|\n| rank | {} |\n| lora_alpha | {:g} |\n| lora_dropout | {:g} |\n",
                      config.r, config.lora_alpha, config.lora_dropout);
  if (config.use_dora) {
    card += "| method | DoRA |\n";
  }
  card += fmt::format("| modules | {} |\n| parameters | {} |\n", describe_modules(adapter, model),
                      adapter.weights.parameter_count());
  if (!manifest.is_null()) {
    card +=
        "\n`lore_manifest.json` holds the SHA-256 of the base model, tokenizer, chat template, data and "
        "recipe.\n";
  }
  card += "\nLoad it with PEFT: `PeftModel.from_pretrained(base_model, \"path/to/this/folder\")`.\n";
  return card;
}

}  // namespace

void write_adapter_folder(const std::filesystem::path& folder, const LoraAdapter& adapter,
                          const LlamaForCausalLm& model, const nlohmann::ordered_json& manifest) {
  AtomicFolder staged(folder);
  save_peft_adapter(staged.staging(), adapter, model);
  write_file_atomically(staged.staging() / "README.md", model_card(adapter, model, manifest));
  if (!manifest.is_null()) {
    write_file_atomically(staged.staging() / "lore_manifest.json", manifest.dump(2) + "\n");
  }
  staged.commit();
}

}  // namespace lore
