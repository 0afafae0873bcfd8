#include "lore/tasks/merged_config.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

using nlohmann::ordered_json;

TEST_CASE("a config in the spelling of transformers 4 gets that of 5 beside it") {
  const ordered_json scaling{{"type", "linear"}, {"factor", 4.0}};
  const auto config = lore::merged_config(
      {{"rope_theta", 5e5}, {"rope_scaling", scaling}, {"torch_dtype", "float32"}, {"custom", {1, 2}}},
      "bfloat16", false);
  CHECK(config["rope_scaling"] == scaling);
  CHECK(config["rope_theta"] == 5e5);
  CHECK(config["rope_parameters"] ==
        ordered_json{{"factor", 4.0}, {"rope_type", "linear"}, {"rope_theta", 5e5}});
  CHECK(config["torch_dtype"] == "bfloat16");
  CHECK(config["dtype"] == "bfloat16");
  CHECK(config["custom"] == ordered_json{1, 2});
}

TEST_CASE("a config in the spelling of transformers 5 gets that of 4 beside it") {
  const auto config = lore::merged_config(
      {{"rope_parameters", {{"rope_type", "llama3"}, {"factor", 8.0}, {"rope_theta", 5e5}}}}, "float16",
      false);
  CHECK(config["rope_theta"] == 5e5);
  CHECK(config["rope_scaling"] == ordered_json{{"rope_type", "llama3"}, {"factor", 8.0}});
  const auto plain = lore::merged_config(
      {{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 1e4}}}}, "float16", false);
  CHECK(plain["rope_scaling"].is_null());
}

TEST_CASE("quantization goes, an integer epsilon becomes a float, and an untied head is said to be so") {
  const auto config = lore::merged_config(
      {{"quantization_config", ordered_json::object()}, {"rms_norm_eps", 1}, {"tie_word_embeddings", true}},
      "bfloat16", true);
  CHECK_FALSE(config.contains("quantization_config"));
  CHECK(config["rms_norm_eps"].is_number_float());
  CHECK(config["tie_word_embeddings"] == false);
}
