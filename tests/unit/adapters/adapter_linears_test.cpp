#include "lore/adapters/adapter_linears.h"

#include <vector>

#include "lore/adapters/adapter_writer.h"
#include "lore/core/error.h"
#include "lore/formats/safetensors.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace {

/// A file with tensors of zeros.
void write(const std::filesystem::path& folder,
           const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& tensors) {
  static const std::vector<std::byte> zeros(1 << 12);
  std::vector<lore::TensorView> views;
  for (const auto& [name, shape] : tensors) {
    std::size_t elements = 1;
    for (const std::int64_t size : shape) {
      elements *= static_cast<std::size_t>(size);
    }
    views.push_back(
        {"base_model.model." + name, lore::DType::kF32, shape, std::span(zeros).first(4 * elements)});
  }
  lore::write_safetensors(folder / "adapter_model.safetensors", views, {});
}

}  // namespace

TEST_CASE("the linears of an adapter are told from its file, layer by layer, those left out as well") {
  const TemporaryFolder folder;
  write(folder.path(), {{"model.layers.2.self_attn.q_proj.lora_A.weight", {2, 5}},
                        {"model.layers.2.self_attn.q_proj.lora_B.weight", {7, 2}},
                        {"model.layers.0.mlp.up_proj.lora_A.weight", {2, 5}},
                        {"model.layers.0.mlp.up_proj.lora_B.weight", {9, 2}},
                        {"lm_head.lora_A.weight", {2, 5}},
                        {"lm_head.lora_B.weight", {11, 2}}});
  const auto linears = lore::adapter_linears(folder.path());
  REQUIRE(linears.size() == 7);
  CHECK(linears[0].name == "model.layers.0.mlp.up_proj");
  CHECK(linears[1].name == "model.layers.0.self_attn.q_proj");
  CHECK(linears[1].out == 7);
  CHECK(linears[1].in == 5);
  CHECK(linears[3].name == "model.layers.1.self_attn.q_proj");
  CHECK(linears[5].name == "model.layers.2.self_attn.q_proj");
  CHECK(linears[6].name == "lm_head");
  CHECK(linears[6].out == 11);
}

TEST_CASE("a file without low-rank matrices is no adapter") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(lore::adapter_linears(folder.path()), lore::Error);
  write(folder.path(), {{"model.layers.0.self_attn.q_proj.weight", {2, 5}}, {".lora_A.weight", {2, 5}}});
  CHECK_THROWS_WITH(lore::adapter_linears(folder.path()), Catch::Contains("lora_A.weight"));
}

TEST_CASE("a layer number too large for any model does not make a list of that length") {
  const TemporaryFolder folder;
  write(folder.path(), {{"model.layers.999999999.self_attn.q_proj.lora_A.weight", {2, 5}},
                        {"model.layers.99999999999999999999.self_attn.q_proj.lora_A.weight", {2, 5}}});
  CHECK(lore::adapter_linears(folder.path()).size() == 2);
}

TEST_CASE("targets are leaf names where these say exactly what is adapted, else full names") {
  const std::vector<std::string> all{"model.layers.0.q_proj", "model.layers.0.v_proj",
                                     "model.layers.1.q_proj", "model.layers.1.v_proj"};
  CHECK(lore::exact_targets(std::vector<std::string>{all[2], all[0]}, all) ==
        std::vector<std::string>{"q_proj"});
  CHECK(lore::exact_targets(std::vector<std::string>{all[2], all[1]}, all) ==
        std::vector<std::string>{"model.layers.0.v_proj", "model.layers.1.q_proj"});
}
