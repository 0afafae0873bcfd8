#include "lore/nn/llama_config.h"

#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/nn/gguf_source.h"
#include "support/catch.h"

namespace {

using nlohmann::json;

json minimal(const char* architecture, const char* type) {
  return {{"architectures", {architecture}},
          {"model_type", type},
          {"vocab_size", 100},
          {"hidden_size", 64},
          {"intermediate_size", 96},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"rms_norm_eps", 1e-5}};
}

std::string message(const json& config) {
  try {
    lore::LlamaConfig::from_hf(config, "config.json");
  } catch (const lore::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("families differ in biases, norms, head size and windows") {
  const auto llama = lore::LlamaConfig::from_hf(minimal("LlamaForCausalLM", "llama"), "");
  CHECK(llama.head_dim == 16);
  CHECK_FALSE(llama.qkv_bias);
  const auto qwen2 = lore::LlamaConfig::from_hf(minimal("Qwen2ForCausalLM", "qwen2"), "");
  CHECK(qwen2.qkv_bias);
  CHECK_FALSE(qwen2.output_bias);
  const auto qwen3 = lore::LlamaConfig::from_hf(minimal("Qwen3ForCausalLM", "qwen3"), "");
  CHECK(qwen3.qk_norm);
  CHECK(qwen3.head_dim == 128);
  const auto mistral = lore::LlamaConfig::from_hf(minimal("MistralForCausalLM", "mistral"), "");
  CHECK(mistral.window == std::vector<std::int64_t>{4096, 4096});
}

TEST_CASE("rope is read in both spellings, rope_parameters first") {
  json config = minimal("LlamaForCausalLM", "llama");
  config["rope_theta"] = 5.0;
  config["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  CHECK(lore::LlamaConfig::from_hf(config, "").rope.type == lore::RopeType::kLinear);
  config["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 7e5}};
  const auto rope = lore::LlamaConfig::from_hf(config, "").rope;
  CHECK(rope.type == lore::RopeType::kDefault);
  CHECK(rope.theta == 7e5);
}

TEST_CASE("what would change the numbers is refused by name, what would not is reported") {
  json config = minimal("LlamaForCausalLM", "llama");
  config["embedding_multiplier"] = 12.0;
  CHECK(message(config).find("embedding_multiplier") != std::string::npos);
  config["embedding_multiplier"] = 1.0;
  config["house_style"] = "blue";
  const auto read = lore::LlamaConfig::from_hf(config, "config.json");
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("house_style") != std::string::npos);
  CHECK(message(minimal("FalconForCausalLM", "falcon")).find("FalconForCausalLM") != std::string::npos);
  config.erase("vocab_size");
  CHECK(message(config).find("vocab_size") != std::string::npos);
}

TEST_CASE("GGUF names follow from Hugging Face's") {
  CHECK(lore::gguf_tensor_name("model.layers.12.self_attn.q_proj.weight") == "blk.12.attn_q.weight");
  CHECK(lore::gguf_tensor_name("model.layers.0.self_attn.k_proj.bias") == "blk.0.attn_k.bias");
  CHECK(lore::gguf_tensor_name("model.layers.3.post_attention_layernorm.weight") == "blk.3.ffn_norm.weight");
  CHECK(lore::gguf_tensor_name("lm_head.weight") == "output.weight");
  CHECK(lore::gguf_tensor_name("model.layers.3.unknown.weight").empty());
}
