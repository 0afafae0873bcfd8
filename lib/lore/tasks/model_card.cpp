#include "lore/tasks/model_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "lore/adapters/base_initialization.h"
#include "lore/core/private_path.h"
#include "lore/recipe/paths.h"
#include "lore/recipe/shareable.h"
#include "lore/recipe/writer.h"
#include "lore/tasks/provenance.h"

namespace lore {
namespace {

/// What the hub takes for the id of a model; it refuses a card that names something else as the base.
bool is_repository(const std::string& name) {
  constexpr std::size_t kLongest = 96;
  return is_hub_id(name) && name.size() <= kLongest && name.find("--") == std::string::npos &&
         name.find("..") == std::string::npos;
}

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

/// The name as it may stand in a line of Markdown.
std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c == '|' ? "\\|" : c == '\n' || c == '\r' || c == '`' ? " " : std::string(1, c);
  }
  return result;
}

std::string head(const std::string& base, const AdapterOrigin& origin) {
  std::string text = "---\n";
  if (is_repository(base)) {
    text += fmt::format("base_model: {}\n", quoted(base));
  }
  text += "library_name: peft\npipeline_tag: text-generation\n";
  if (!origin.licence.empty()) {
    text += fmt::format("license: {}\n", quoted(origin.licence));
  }
  text += "tags:\n";
  if (is_repository(base)) {
    text += fmt::format("- {}\n", quoted("base_model:adapter:" + base));
  }
  return text + "- lora\n- lore\n- transformers\n---\n\n";
}

std::string facts(const LoraAdapter& adapter, const LlamaForCausalLm& model, const AdapterOrigin& origin) {
  const PeftConfig& config = adapter.config;
  std::string text = "| | |\n|---|---|\n";
  const auto row = [&](std::string_view name, const std::string& value) {
    text += fmt::format("| {} | {} |\n", name, cell(value));
  };
  row("base", fmt::format("{}, SHA-256 of its tensors {}", origin.base_name, origin.base_sha256));
  row("licence of the base", origin.licence.empty() ? "its files name none" : origin.licence);
  row("trained", fmt::format("{} steps; this is the adapter {}", origin.steps, origin.moment));
  row("computed in", origin.dtype + ", adapter in float32");
  row("rank", fmt::format("{}{}", config.r, config.rank_pattern.empty() ? "" : ", others by rank_pattern"));
  row("lora_alpha", fmt::format("{:g}{}", config.lora_alpha, config.use_rslora ? " (rsLoRA)" : ""));
  if (config.use_dora) {
    row("method", "DoRA");
  }
  row("lora_dropout", fmt::format("{:g}", config.lora_dropout));
  row("modules", describe_modules(adapter, model));
  row("parameters", fmt::format("{}", adapter.weights.parameter_count()));
  const nlohmann::ordered_json versions = Provenance::versions();
  row("made by", fmt::format("Lore {}, LibTorch {}", versions.at("lore").get<std::string>(),
                             versions.at("torch").get<std::string>()));
  return text;
}

std::string data_table(const TrainingData& data) {
  std::string text =
      "## Data\n\n| split | file | rows | examples | trained tokens |\n|---|---|---|---|---|\n";
  std::string hashes;
  for (const auto& [split, dataset] :
       {std::pair{"train", &data.train}, std::pair{"validation", &data.validation}}) {
    for (const SourceCounts& source : dataset->sources()) {
      text += fmt::format("| {} | {} | {} | {} | {} |\n", split,
                          cell(std::filesystem::path(source.path).filename().string()), source.rows,
                          source.examples, source.trained_tokens);
    }
    for (const DataFile& file : dataset->files) {
      hashes += fmt::format("| {} | {} | {} |\n", split,
                            cell(std::filesystem::path(file.path).filename().string()), file.sha256);
    }
  }
  if (!hashes.empty()) {
    text += "\n| split | file | SHA-256 |\n|---|---|---|\n" + hashes;
  }
  return text + "\n";
}

std::string results(const AdapterOrigin& origin) {
  if (origin.validation.empty()) {
    return "## Results\n\nNot measured: the recipe has no validation data.\n\n";
  }
  const auto best = std::min_element(origin.validation.begin(), origin.validation.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto& [first_step, first] = origin.validation.front();
  const auto& [last_step, last] = origin.validation.back();
  std::string text =
      "## Results\n\nMean loss on the validation data, nats a token:\n\n| step | loss | |\n|---|---|---|\n";
  text += fmt::format("| {:g} | {:.4f} | {} |\n", first_step, first,
                      first_step == 0 ? "the base" : "first measured");
  if (origin.validation.size() > 1) {
    text += fmt::format("| {:g} | {:.4f} | last measured |\n", last_step, last);
    text += fmt::format("| {:g} | {:.4f} | lowest |\n", best->first, best->second);
  }
  return text + "\n";
}

std::string usage(const std::string& base) {
  return fmt::format(
      "## Use\n\nWith PEFT:\n\n```python\nfrom peft import PeftModel\nfrom transformers import "
      "AutoModelForCausalLM\n\n"
      "base = AutoModelForCausalLM.from_pretrained({})\n"
      "model = PeftModel.from_pretrained(base, \"path/to/this/folder\")\n```\n\nWith Lore:\n\n```\n"
      "lore generate --base BASE --adapter path/to/this/folder --prompt \"...\"\n"
      "lore merge --base BASE --adapter path/to/this/folder --output merged\n```\n\n",
      is_repository(base) ? quoted(base) : "\"path/to/the/base\"");
}

}  // namespace

std::string adapter_card(const LoraAdapter& trained, const LlamaForCausalLm& model,
                         const AdapterOrigin& origin) {
  const LoraAdapter adapter = to_plain_lora(trained);
  const std::string written = public_name(adapter.config.base_model_name_or_path);
  const std::string base = written.empty() ? origin.base_name : written;
  std::string card = head(base, origin) + "# LoRA adapter\n\n";
  card += fmt::format("A low-rank update of {}, made by Lore.\n\n",
                      base.empty() ? "its base" : "`" + cell(base) + "`");
  card += facts(adapter, model, origin) + "\n";
  card += data_table(*origin.data) + results(origin);
  card += usage(base);
  card +=
      "## Limits\n\nThe adapter belongs to the base named above and changes no other model for the better: "
      "`lore_manifest.json` holds the SHA-256 of the base, tokenizer, chat template, "
      "data and "
      "recipe, and Lore refuses another base. It has learned what its data says, mistakes included; a lower "
      "loss "
      "is no proof of right answers. The licence of the base holds for the adapter together with it.\n";
  card += fmt::format("\n<details><summary>Recipe</summary>\n\n```yaml\n{}```\n\n</details>\n",
                      to_yaml(shareable(*origin.recipe)));
  return card;
}

}  // namespace lore
