#include <algorithm>

#include "lore/formats/adapter_config.h"
#include "lore/formats/json_file.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/formats/fixtures.h"

using lore::PeftConfig;
using Names = std::vector<std::string>;

namespace {

/// What a release of PEFT added to the fields of LoraConfig and its parents, read from the wheels on PyPI.
/// No release since 0.3.0 has taken one away.
struct Release {
  std::string version;
  Names added;
};

const std::vector<Release>& releases() {
  static const std::vector<Release> list{
      {"0.3.0",
       {"base_model_name_or_path", "bias", "fan_in_fan_out", "inference_mode", "init_lora_weights",
        "lora_alpha", "lora_dropout", "modules_to_save", "peft_type", "r", "target_modules", "task_type"}},
      {"0.5.0", {"auto_mapping", "layers_pattern", "layers_to_transform", "revision"}},
      {"0.7.1", {"alpha_pattern", "loftq_config", "megatron_config", "megatron_core", "rank_pattern"}},
      {"0.10.0", {"layer_replication", "use_dora", "use_rslora"}},
      {"0.12.0", {"runtime_config"}},
      {"0.14.0", {"eva_config", "exclude_modules", "lora_bias"}},
      {"0.15.2", {"corda_config", "trainable_token_indices"}},
      {"0.17.1", {"qalora_group_size", "target_parameters", "use_qalora"}},
      {"0.18.0", {"alora_invocation_tokens", "arrow_config", "ensure_weight_tying", "peft_version"}},
      {"0.19.0", {"lora_ga_config", "use_bdlora"}},
      {"0.20.0", {"monteclora_config", "velora_config"}},
      {"0.21.2", {"kasa_config"}}};
  return list;
}

Names fields_of(const std::string& version) {
  Names fields;
  for (const Release& release : releases()) {
    fields.insert(fields.end(), release.added.begin(), release.added.end());
    if (release.version == version) {
      return fields;
    }
  }
  return {};
}

/// The keys that are written and that LoraConfig(**keys) of a release would refuse.
Names refused(const PeftConfig& config, const std::string& version) {
  const TemporaryFolder folder;
  lore::write_adapter_config(folder / "adapter_config.json", config);
  const Names fields = fields_of(version);
  Names unknown;
  const nlohmann::json written = lore::read_json_file(folder / "adapter_config.json");
  for (const auto& [key, value] : written.items()) {
    if (std::find(fields.begin(), fields.end(), key) == fields.end()) {
      unknown.push_back(key);
    }
  }
  return unknown;
}

PeftConfig plain() {
  PeftConfig config;
  config.task_type = "CAUSAL_LM";
  config.base_model_name_or_path = "owner/base";
  config.target_modules = Names{"q_proj", "v_proj"};
  return config;
}

}  // namespace

TEST_CASE("a plain adapter is written with keys that every release of PEFT knows") {
  for (const Release& release : releases()) {
    INFO(release.version);
    CHECK(refused(plain(), release.version) == Names{});
  }
}

TEST_CASE("what a plain adapter does not need asks for the release that came to know it") {
  PeftConfig config = plain();
  config.use_rslora = true;
  CHECK(refused(config, "0.7.1") == Names{"use_rslora"});
  CHECK(refused(config, "0.10.0") == Names{});
  config = plain();
  config.rank_pattern = {{"q_proj", 4}};
  CHECK(refused(config, "0.5.0") == Names{"rank_pattern"});
  CHECK(refused(config, "0.7.1") == Names{});
  config = plain();
  config.exclude_modules = Names{"lm_head"};
  CHECK(refused(config, "0.12.0") == Names{"exclude_modules"});
  CHECK(refused(config, "0.14.0") == Names{});
}

TEST_CASE("each field of each release is decided upon") {
  for (const std::string& field : fields_of("0.21.2")) {
    INFO(field);
    if (field == "peft_type") {
      continue;
    }
    const TemporaryFolder folder;
    write_text(folder / "adapter_config.json", R"({"peft_type": "LORA", ")" + field + R"(": null})");
    std::vector<std::string> warnings;
    lore::read_adapter_config(folder / "adapter_config.json", warnings);
    CHECK(warnings.empty());
    write_text(folder / "adapter_config.json", R"({"peft_type": "LORA", ")" + field + R"(": {"odd": 1.5}})");
    const std::string message =
        refusal([&] { lore::read_adapter_config(folder / "adapter_config.json", warnings); });
    CHECK(message.find("not known") == std::string::npos);
  }
}

TEST_CASE("a private path is never written") {
  const TemporaryFolder folder;
  PeftConfig config = plain();
  config.base_model_name_or_path = "/home/someone/models/base";
  lore::write_adapter_config(folder / "adapter_config.json", config);
  CHECK(lore::read_json_file(folder / "adapter_config.json").at("base_model_name_or_path") == "base");
}
