#include "lore/adapters/tensor_names.h"

#include "support/catch.h"

using lore::AdapterPart;

TEST_CASE("names that PEFT saves are taken apart, and put together again") {
  const struct {
    AdapterPart part;
    std::string ending;
  } cases[] = {{AdapterPart::kA, ".lora_A.weight"},
               {AdapterPart::kB, ".lora_B.weight"},
               {AdapterPart::kBiasOfB, ".lora_B.bias"},
               {AdapterPart::kMagnitude, ".lora_magnitude_vector"},
               {AdapterPart::kEmbeddingA, ".lora_embedding_A"},
               {AdapterPart::kEmbeddingB, ".lora_embedding_B"},
               {AdapterPart::kBaseLayer, ".base_layer.weight"},
               {AdapterPart::kTrainedTokens, ".token_adapter.trainable_tokens_delta"}};
  for (const auto& [part, ending] : cases) {
    const std::string name = "base_model.model.model.layers.0.self_attn.q_proj" + ending;
    INFO(name);
    const lore::AdapterTensorName parsed = lore::parse_adapter_tensor_name(name);
    CHECK(parsed.part == part);
    CHECK(parsed.module == "model.layers.0.self_attn.q_proj");
    CHECK(parsed.mistake.empty());
    CHECK(lore::adapter_tensor_name(parsed.module, part) == name);
  }
  CHECK(lore::parse_adapter_tensor_name("base_model.model.a.lora_magnitude_vector.weight").part ==
        AdapterPart::kMagnitude);
  CHECK(lore::parse_adapter_tensor_name("base_model.model.a.lora_magnitude_vector.weight").mistake.empty());
}

TEST_CASE("other parameters keep their whole name") {
  const lore::AdapterTensorName parsed = lore::parse_adapter_tensor_name("base_model.model.lm_head.weight");
  CHECK(parsed.part == AdapterPart::kOther);
  CHECK(parsed.module == "lm_head.weight");
  for (const char* name :
       {"base_model.model.a.lora_A", "base_model.model.a.lora_A.b.c.weight", "lora_A.weight", "",
        "base_model.model.a.lora_Aweight", "base_model.model..lora_A.."}) {
    INFO(name);
    CHECK(lore::parse_adapter_tensor_name(name).part == AdapterPart::kOther);
  }
}

TEST_CASE("the usual mistakes are told") {
  const auto mistake = [](const char* name) { return lore::parse_adapter_tensor_name(name).mistake; };
  CHECK(mistake("model.layers.0.q_proj.lora_A.weight") == "lacks the prefix \"base_model.model.\"");
  CHECK(mistake("base_model.model.base_model.model.q_proj.lora_B.weight") ==
        "has the prefix \"base_model.model.\" 2 times");
  CHECK(mistake("base_model.model.q_proj.lora_A.default.weight") ==
        "holds the adapter's own name \"default\"");
  CHECK(mistake("q_proj.lora_A.mine.weight") ==
        "lacks the prefix \"base_model.model.\" and holds the adapter's own name \"mine\"");
  CHECK(lore::parse_adapter_tensor_name("q_proj.lora_A.mine.weight").module == "q_proj");
}

TEST_CASE("layers and leaves of modules") {
  CHECK(lore::layer_of_module("model.layers.12.self_attn.q_proj") == 12);
  CHECK(lore::layer_of_module("lm_head") == -1);
  CHECK(lore::layer_of_module("model.layers.x1.q_proj") == -1);
  CHECK(lore::layer_of_module("a.-1.b") == -1);
  CHECK(lore::layer_of_module("a.99999999999999999999.b") == -1);
  CHECK(lore::layer_of_module("a.3") == -1);
  CHECK(lore::leaf_of_module("model.layers.12.self_attn.q_proj") == "q_proj");
  CHECK(lore::leaf_of_module("lm_head") == "lm_head");
}
