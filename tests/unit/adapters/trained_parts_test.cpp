#include "lore/adapters/trained_parts.h"

#include <map>

#include "lore/adapters/lora.h"
#include "lore/core/error.h"
#include "support/catch.h"

namespace {

using Names = std::vector<std::string>;

lore::LlamaConfig small(bool tied, bool biases) {
  lore::LlamaConfig config;
  config.vocab_size = 11;
  config.hidden_size = 4;
  config.intermediate_size = 6;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.num_key_value_heads = 1;
  config.head_dim = 2;
  config.tie_word_embeddings = tied;
  config.qkv_bias = biases;
  return config;
}

/// Keys in the adapter's file by the name of the parameter.
std::map<std::string, std::string> parts(const lore::PeftConfig& config, const lore::LlamaConfig& model,
                                         const Names& adapted = {}) {
  std::map<std::string, std::string> result;
  for (const lore::TrainedPart& part : lore::trained_parts(config, model, adapted)) {
    result[part.parameter.name] = part.stored;
  }
  return result;
}

std::string refusal(const Names& saved, const Names& adapted = {}) {
  lore::PeftConfig config;
  config.modules_to_save = saved;
  try {
    lore::trained_parts(config, small(true, true), adapted);
  } catch (const lore::Error& error) {
    CHECK(error.kind() == lore::ErrorKind::kUsage);
    return error.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("modules_to_save takes every module whose name ends with an item, as PEFT does") {
  lore::PeftConfig config;
  config.modules_to_save = {"norm"};
  const auto norms = parts(config, small(true, false));
  CHECK(norms.size() == 5);
  CHECK(norms.at("model.layers.1.input_layernorm.weight") ==
        "base_model.model.model.layers.1.input_layernorm.weight");
  config.modules_to_save = {"model.norm"};
  CHECK(parts(config, small(true, false)).size() == 1);
  config.modules_to_save = {"0.mlp", "q_proj"};
  const auto modules = parts(config, small(false, true));
  CHECK(modules.size() == 3 + 4);
  CHECK(modules.contains("model.layers.0.mlp.down_proj.weight"));
  CHECK(modules.at("model.layers.1.self_attn.q_proj.bias") ==
        "base_model.model.model.layers.1.self_attn.q_proj.bias");
  config.modules_to_save = {"model"};
  CHECK(parts(config, small(true, true)).size() == lore::model_parameters(small(true, true)).size());
}

TEST_CASE("a tied head is a module of its own") {
  lore::PeftConfig config;
  config.modules_to_save = {"lm_head"};
  for (const bool tied : {false, true}) {
    CHECK(parts(config, small(tied, false)).at("lm_head.weight") == "base_model.model.lm_head.weight");
  }
}

TEST_CASE("bias takes the biases there are, under PEFT's keys") {
  lore::PeftConfig config;
  config.bias = "lora_only";
  const Names adapted{"model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.o_proj"};
  const auto own = parts(config, small(true, true), adapted);
  CHECK(own == std::map<std::string, std::string>{
                   {"model.layers.0.self_attn.q_proj.bias",
                    "base_model.model.model.layers.0.self_attn.q_proj.base_layer.bias"}});
  config.bias = "all";
  const auto all = parts(config, small(true, true), adapted);
  CHECK(all.size() == 6);
  CHECK(all.at("model.layers.0.self_attn.k_proj.bias") ==
        "base_model.model.model.layers.0.self_attn.k_proj.bias");
  CHECK(parts(config, small(true, false), adapted).empty());
  config.modules_to_save = {"k_proj"};
  CHECK(parts(config, small(true, true), adapted).size() == 6 + 2);
}

TEST_CASE("what cannot be trained whole is refused with its name") {
  CHECK(holds(refusal({"embed_token"}), "did you mean \"embed_tokens\"?"));
  CHECK(holds(refusal({"rotary_emb"}), "matches no module of this model that has weights"));
  CHECK(holds(refusal({""}), "matches no module"));
  CHECK(holds(refusal({"mlp", "0.mlp.down_proj"}), "is a part of model.layers.0.mlp"));
  CHECK(holds(refusal({"proj"}, {"model.layers.0.self_attn.q_proj"}), "puts a low-rank update on"));
  CHECK(refusal({"norm", "norm", "model.norm"}).empty());
}

TEST_CASE("a low-rank update never falls on a module that is trained whole") {
  lore::PeftConfig config;
  config.target_modules = Names{"q_proj", "lm_head"};
  config.modules_to_save = {"lm_head", "0.self_attn"};
  const Names names = lore::adaptable_names(small(false, false));
  const auto matched = lore::match_modules(config, names);
  REQUIRE(matched.size() == 1);
  CHECK(names[matched[0].linear] == "model.layers.1.self_attn.q_proj");
  config.target_modules = "all-linear";
  config.modules_to_save.clear();
  CHECK(lore::match_modules(config, names).size() == 14);  // neither head nor embeddings
}

TEST_CASE("a user is told of biases that are not there and of a tie that breaks") {
  lore::PeftConfig config;
  config.bias = "lora_only";
  const auto none =
      lore::trained_part_warnings(config, small(false, true), {"model.layers.0.self_attn.o_proj"});
  REQUIRE(none.size() == 1);
  CHECK(holds(none[0], "no adapted module"));
  CHECK(lore::trained_part_warnings(config, small(true, true), {"model.layers.0.self_attn.q_proj"}).empty());
  config.bias = "none";
  config.modules_to_save = {"embed_tokens"};
  CHECK(lore::trained_part_warnings(config, small(false, true), {}).empty());
  CHECK(lore::trained_part_warnings(config, small(true, true), {}).size() == 1);
  config.modules_to_save.clear();
  CHECK(lore::trained_part_warnings(config, small(true, true), {"lm_head"}).size() == 1);
}

TEST_CASE("what is trained whole is counted by name") {
  CHECK(lore::describe_full({}).empty());
  const Names names{"model.embed_tokens.weight", "a.norm.weight", "b.norm.weight", "a.q_proj.bias",
                    "b.k_proj.weight",           "b.k_proj.bias"};
  CHECK(lore::describe_full(names) == "; full: embed_tokens, k_proj, norm x 2; bias x 1");
  CHECK(lore::describe_full(Names{"a.q_proj.bias"}) == "; bias x 1");
}
