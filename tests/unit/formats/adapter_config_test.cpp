#include "lore/formats/adapter_config.h"

#include "lore/formats/json_file.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/formats/fixtures.h"

using lore::PeftConfig;
using Names = std::vector<std::string>;

namespace {

/// What PEFT 0.21.2 writes for LoraConfig(r=16, lora_alpha=32, lora_dropout=0.1, target_modules=["q_proj",
/// "v_proj"], task_type="CAUSAL_LM", rank_pattern={"q_proj": 4}, alpha_pattern={"q_proj": 8}) on one line.
constexpr const char* kPeft =
    R"({"alora_invocation_tokens": null, "alpha_pattern": {"q_proj": 8}, "arrow_config": null, "auto_mapping": null,)"
    R"("base_model_name_or_path": "org/base", "bias": "none", "corda_config": null, "ensure_weight_tying": false,)"
    R"("eva_config": null, "exclude_modules": null, "fan_in_fan_out": false, "inference_mode": true,)"
    R"("init_lora_weights": true, "kasa_config": null, "layer_replication": null, "layers_pattern": null,)"
    R"("layers_to_transform": null, "loftq_config": {}, "lora_alpha": 32, "lora_bias": false, "lora_dropout": 0.1,)"
    R"("lora_ga_config": null, "megatron_config": null, "megatron_core": "megatron.core", "modules_to_save": null,)"
    R"("monteclora_config": null, "peft_type": "LORA", "peft_version": "0.21.2", "qalora_group_size": 16, "r": 16,)"
    R"("rank_pattern": {"q_proj": 4}, "revision": null, "target_modules": ["q_proj", "v_proj"],)"
    R"("target_parameters": null, "task_type": "CAUSAL_LM", "trainable_token_indices": null, "use_bdlora": null,)"
    R"("use_dora": false, "use_qalora": false, "use_rslora": false, "velora_config": null})";

PeftConfig read(const TemporaryFolder& folder, const std::string& text, std::vector<std::string>& warnings) {
  write_text(folder / "adapter_config.json", text);
  return lore::read_adapter_config(folder / "adapter_config.json", warnings);
}

/// Reads a LoRA configuration with the given further keys, expecting no warning.
PeftConfig read_with(const TemporaryFolder& folder, const std::string& keys) {
  std::vector<std::string> warnings;
  const PeftConfig config = read(folder, R"({"peft_type": "LORA", )" + keys + "}", warnings);
  CHECK(warnings.empty());
  return config;
}

}  // namespace

TEST_CASE("what PEFT writes is read without a warning") {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  const PeftConfig config = read(folder, kPeft, warnings);
  CHECK(warnings.empty());
  CHECK(config.task_type == "CAUSAL_LM");
  CHECK(config.base_model_name_or_path == "org/base");
  CHECK(config.r == 16);
  CHECK(config.lora_alpha == 32);
  CHECK(config.lora_dropout == 0.1);
  CHECK(std::get<Names>(config.target_modules) == Names{"q_proj", "v_proj"});
  CHECK(std::holds_alternative<std::monostate>(config.exclude_modules));
  CHECK_FALSE(config.layers_to_transform);
  REQUIRE(config.rank_pattern.size() == 1);
  CHECK(config.rank_pattern[0] == std::pair<std::string, std::int64_t>("q_proj", 4));
  CHECK(config.alpha_pattern[0] == std::pair<std::string, double>("q_proj", 8));
  CHECK(std::get<bool>(config.init_lora_weights));
  CHECK(config.inference_mode);
  CHECK(config.peft_version == "0.21.2");
}

TEST_CASE("keys that are absent or null have PEFT's defaults") {
  const TemporaryFolder folder;
  const PeftConfig config = read_with(folder, R"("task_type": null, "r": null)");
  CHECK(config.r == 8);
  CHECK(config.lora_alpha == 8);
  CHECK(config.lora_dropout == 0);
  CHECK(std::holds_alternative<std::monostate>(config.target_modules));
  CHECK(config.task_type.empty());
}

TEST_CASE("each of PEFT's spellings is read") {
  const TemporaryFolder folder;
  CHECK(std::get<std::string>(read_with(folder, R"("target_modules": "all-linear")").target_modules) ==
        "all-linear");
  CHECK(std::get<Names>(read_with(folder, R"("exclude_modules": ["lm_head"])").exclude_modules) ==
        Names{"lm_head"});
  CHECK(read_with(folder, R"("layers_to_transform": 3)").layers_to_transform == std::vector<std::int64_t>{3});
  CHECK(read_with(folder, R"("layers_to_transform": [0, 2])").layers_to_transform ==
        std::vector<std::int64_t>{0, 2});
  CHECK_FALSE(read_with(folder, R"("layers_to_transform": [])").layers_to_transform);
  CHECK(read_with(folder, R"("layers_to_transform": 1, "layers_pattern": "layers")").layers_pattern ==
        Names{"layers"});
  CHECK(read_with(folder, R"("layers_to_transform": 1, "layers_pattern": ["a", "b"])").layers_pattern ==
        Names{"a", "b"});
  CHECK(read_with(folder, R"("lora_alpha": 0.5)").lora_alpha == 0.5);
  CHECK(read_with(folder, R"("use_rslora": true)").use_rslora);
  CHECK(read_with(folder, R"("use_dora": true)").use_dora);
  CHECK_FALSE(std::get<bool>(read_with(folder, R"("init_lora_weights": false)").init_lora_weights));
  CHECK(std::get<std::string>(read_with(folder, R"("init_lora_weights": "gaussian")").init_lora_weights) ==
        "gaussian");
  CHECK(std::get<std::string>(read_with(folder, R"("init_lora_weights": "pissa")").init_lora_weights) ==
        "pissa");
  CHECK(std::get<bool>(
      read_with(folder, R"("init_lora_weights": "eva", "eva_config": {"rho": 2.0})").init_lora_weights));
}

TEST_CASE("what is trained besides the updates is read and written") {
  const TemporaryFolder folder;
  const PeftConfig config =
      read_with(folder, R"("bias": "lora_only", "modules_to_save": ["embed_tokens", "lm_head"])");
  CHECK(config.bias == "lora_only");
  CHECK(config.modules_to_save == Names{"embed_tokens", "lm_head"});
  lore::write_adapter_config(folder / "adapter_config.json", config);
  std::vector<std::string> warnings;
  const PeftConfig back = lore::read_adapter_config(folder / "adapter_config.json", warnings);
  CHECK(warnings.empty());
  CHECK(back.bias == config.bias);
  CHECK(back.modules_to_save == config.modules_to_save);
  CHECK(read_with(folder, R"("modules_to_save": [])").modules_to_save.empty());
}

TEST_CASE("patterns keep the order of the file, which decides between matches") {
  const TemporaryFolder folder;
  const PeftConfig config = read_with(folder, R"("rank_pattern": {"z.*": 1, "a.*": 2, "m": 3})");
  REQUIRE(config.rank_pattern.size() == 3);
  CHECK(config.rank_pattern[0].first == "z.*");
  CHECK(config.rank_pattern[1].first == "a.*");
  CHECK(config.rank_pattern[2].first == "m");
}

TEST_CASE("what would change the numbers is refused, naming key and value") {
  const TemporaryFolder folder;
  const struct {
    std::string keys;
    std::string expected;
  } cases[] = {
      {R"("peft_type": "IA3")", "peft_type: \"IA3\" is not supported"},
      {R"("lora_bias": true)", "lora_bias: true is not supported"},
      {R"("fan_in_fan_out": true)", "fan_in_fan_out: true is not supported"},
      {R"("bias": "some")", "bias: expected \"none\", \"all\" or \"lora_only\", got \"some\""},
      {R"("bias": true)", "bias: expected a string, got true"},
      {R"("modules_to_save": [1])", "modules_to_save: expected"},
      {R"("modules_to_save": "lm_head")", "modules_to_save: expected"},
      {R"("init_lora_weights": "pissa_niter_4")", "init_lora_weights: \"pissa_niter_4\" is not supported"},
      {R"("init_lora_weights": "loftq")", "init_lora_weights: \"loftq\""},
      {R"("trainable_token_indices": [1, 2])", "trainable_token_indices: [1,2] is not supported"},
      {R"("target_parameters": ["x"])", "target_parameters: [\"x\"] is not supported"},
      {R"("layer_replication": [[0, 4]])", "layer_replication: [[0,4]] is not supported"},
      {R"("alora_invocation_tokens": [5])", "alora_invocation_tokens: [5] is not supported"},
      {R"("use_qalora": true)", "use_qalora: true is not supported"},
      {R"("megatron_config": {"a": 1})", "megatron_config: {\"a\":1} is not supported"},
      {R"("kasa_config": {"beta": 1})", "kasa_config: {\"beta\":1} is not supported"},
      {R"("use_bdlora": {"a": 1})", "use_bdlora: {\"a\":1} is not supported"},
      {R"("ensure_weight_tying": true)", "ensure_weight_tying: true is not supported"},
      {R"("use_new_method": true)", "use_new_method: true is not known"},
      {R"("new_scale": 0)", "new_scale: 0 is not known"},
      {R"("r": 0)", "r: expected a rank above 0, got 0"},
      {R"("r": 8.0)", "r: expected a rank above 0, got 8.0"},
      {R"("r": 18446744073709551615)", "r: expected a rank above 0"},
      {R"("lora_alpha": "32")", "lora_alpha: expected a number, got \"32\""},
      {R"("lora_dropout": 1.5)", "lora_dropout: expected a number from 0 to 1, got 1.5"},
      {R"("use_rslora": 1)", "use_rslora: expected true or false, got 1"},
      {R"("target_modules": [1])", "target_modules: expected a string or a list of strings, got [1]"},
      {R"("target_modules": {"a": 1})", "target_modules: expected a string or a list of strings"},
      {R"("rank_pattern": {"q": -1})", "rank_pattern: expected a rank above 0, got -1"},
      {R"("rank_pattern": [4])", "rank_pattern: expected an object, got [4]"},
      {R"("alpha_pattern": {"q": true})", "alpha_pattern: expected a number, got true"},
      {R"("layers_to_transform": [-1])", "layers_to_transform: expected a layer number"},
      {R"("layers_to_transform": 1, "target_modules": ".*q_proj")", "layers_to_transform: cannot be used"},
      {R"("layers_pattern": ["h"])", "layers_pattern: needs layers_to_transform"},
      {R"("task_type": 1)", "task_type: expected a string, got 1"},
      {R"("r": 8, "r": 16)", "the key \"r\" is repeated"},
  };
  for (const auto& [keys, expected] : cases) {
    INFO(keys);
    const bool typed = keys.find("peft_type") != std::string::npos;
    write_text(folder / "adapter_config.json",
               typed ? "{" + keys + "}" : R"({"peft_type": "LORA", )" + keys + "}");
    std::vector<std::string> warnings;
    CHECK(lacking(refusal([&] { lore::read_adapter_config(folder / "adapter_config.json", warnings); }),
                  {"adapter_config.json:", expected}) == "");
  }
  write_text(folder / "adapter_config.json", "{}");
  std::vector<std::string> warnings;
  CHECK(lacking(refusal([&] { lore::read_adapter_config(folder / "adapter_config.json", warnings); }),
                {"peft_type: is missing"}) == "");
  write_text(folder / "adapter_config.json", "[]");
  CHECK(lacking(refusal([&] { lore::read_adapter_config(folder / "adapter_config.json", warnings); }),
                {"is not a JSON object"}) == "");
}

TEST_CASE("what cannot change the numbers is a warning") {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  read(
      folder,
      R"({"peft_type": "LORA", "auto_mapping": {"a": "b"}, "new_feature": false, "runtime_config": {"x": true}})",
      warnings);
  REQUIRE(warnings.size() == 3);
  CHECK(lacking(warnings[0], {"auto_mapping: {\"a\":\"b\"} is ignored"}) == "");
  CHECK(lacking(warnings[1], {"the unknown key \"new_feature\" is ignored"}) == "");
  CHECK(lacking(warnings[2], {"runtime_config"}) == "");
}

TEST_CASE("a configuration is written with sorted keys and an integral alpha as an integer") {
  const TemporaryFolder folder;
  PeftConfig config;
  config.task_type = "CAUSAL_LM";
  config.base_model_name_or_path = "模型/x";
  config.r = 16;
  config.lora_alpha = 32;
  config.lora_dropout = 0.1;
  config.target_modules = Names{"q_proj", "v_proj"};
  config.peft_version = "0.21.2";
  lore::write_adapter_config(folder / "adapter_config.json", config);
  CHECK(read_text(folder / "adapter_config.json") == R"({
  "base_model_name_or_path": "\u6a21\u578b/x",
  "bias": "none",
  "fan_in_fan_out": false,
  "inference_mode": true,
  "init_lora_weights": true,
  "lora_alpha": 32,
  "lora_dropout": 0.1,
  "modules_to_save": null,
  "peft_type": "LORA",
  "peft_version": "0.21.2",
  "r": 16,
  "target_modules": [
    "q_proj",
    "v_proj"
  ],
  "task_type": "CAUSAL_LM"
})");
}

TEST_CASE("what is written is read back") {
  const TemporaryFolder folder;
  PeftConfig config;
  config.revision = "v1";
  config.lora_alpha = 12.5;
  config.target_modules = Names{"q_proj"};
  config.exclude_modules = ".*\\.0\\..*";
  config.layers_to_transform = std::vector<std::int64_t>{1, 3};
  config.layers_pattern = {"layers"};
  config.rank_pattern = {{"z", 2}, {"a", 4}};
  config.alpha_pattern = {{"z", 1.5}, {"a", 4}};
  config.use_rslora = true;
  config.init_lora_weights = "gaussian";
  lore::write_adapter_config(folder / "adapter_config.json", config);
  std::vector<std::string> warnings;
  const PeftConfig back = lore::read_adapter_config(folder / "adapter_config.json", warnings);
  CHECK(warnings.empty());
  CHECK(back.revision == "v1");
  CHECK(back.lora_alpha == 12.5);
  CHECK(back.target_modules == config.target_modules);
  CHECK(back.exclude_modules == config.exclude_modules);
  CHECK(back.layers_to_transform == config.layers_to_transform);
  CHECK(back.layers_pattern == config.layers_pattern);
  CHECK(back.rank_pattern == config.rank_pattern);
  CHECK(back.alpha_pattern == config.alpha_pattern);
  CHECK(back.use_rslora);
  CHECK(back.init_lora_weights == config.init_lora_weights);
  CHECK(back.peft_version.empty());
}
