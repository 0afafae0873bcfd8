#include "lore/adapters/module_matching.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "support/catch.h"

namespace {

using Names = std::vector<std::string>;

Names linears(int layers) {
  Names names;
  for (int layer = 0; layer < layers; ++layer) {
    for (const char* leaf : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                             "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
      names.push_back(fmt::format("model.layers.{}.{}", layer, leaf));
    }
  }
  return names;
}

std::size_t count(const lore::PeftConfig& config) { return lore::match_modules(config, linears(3)).size(); }

std::string message(const lore::PeftConfig& config) {
  try {
    lore::match_modules(config, linears(3));
  } catch (const lore::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a list matches names and their ends, a string is a regex over the whole name") {
  lore::PeftConfig config;
  CHECK(count(config) == 6);  // q_proj and v_proj where nothing is said
  config.target_modules = Names{"q_proj", "layers.1.mlp.up_proj"};
  CHECK(count(config) == 4);
  config.target_modules = std::string(R"(.*\.[02]\.mlp\.(up|down)_proj)");
  CHECK(count(config) == 4);
  config.target_modules = std::string("All-Linear");
  CHECK(count(config) == 21);
}

TEST_CASE("exclusions and layers narrow the choice, but a full name is taken in any layer") {
  lore::PeftConfig config;
  config.target_modules = Names{"q_proj", "v_proj"};
  config.exclude_modules = Names{"layers.0.self_attn.q_proj"};
  CHECK(count(config) == 5);
  config.layers_to_transform = {1, 2};
  CHECK(count(config) == 4);
  config.layers_pattern = {"layers"};
  CHECK(count(config) == 4);
  config.target_modules = Names{"model.layers.0.self_attn.v_proj"};
  CHECK(count(config) == 1);
}

TEST_CASE("the first matching pattern gives rank and alpha") {
  lore::PeftConfig config;
  config.r = 8;
  config.lora_alpha = 16;
  config.target_modules = Names{"q_proj"};
  config.rank_pattern = {{R"(layers\.1\.self_attn\.q_proj)", 4}, {"q_proj", 2}};
  config.alpha_pattern = {{R"(^model\.layers\.2\..*)", 6.0}};
  const auto modules = lore::match_modules(config, linears(3));
  REQUIRE(modules.size() == 3);
  CHECK(modules[0].rank == 2);
  CHECK(modules[0].scale == Approx(8));
  CHECK(modules[1].rank == 4);
  CHECK(modules[2].scale == Approx(3));
  config.use_rslora = true;
  CHECK(lore::match_modules(config, linears(3))[1].scale == Approx(16 / 2.0));
}

TEST_CASE("what matches nothing is an error that names it and its neighbour") {
  lore::PeftConfig config;
  config.target_modules = Names{"q_prj", "v_proj"};
  CHECK(message(config).find("did you mean \"q_proj\"") != std::string::npos);
  config.target_modules = std::string("q_proj");  // PEFT's full match finds nothing either
  CHECK(message(config).find("match no module") != std::string::npos);
  config.target_modules = Names{"norm"};
  CHECK(message(config).find("matches no module") != std::string::npos);
  config.target_modules = Names{"q_proj"};
  config.rank_pattern = {{"o_proj", 4}};
  CHECK(message(config).find("rank_pattern \"o_proj\"") != std::string::npos);
  config.rank_pattern.clear();
  config.target_modules = std::string("all-linear");
  config.layers_to_transform = {1};
  CHECK(message(config).find("layers_to_transform") != std::string::npos);
}
