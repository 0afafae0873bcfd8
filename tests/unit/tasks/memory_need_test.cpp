#include "lore/tasks/memory_need.h"

#include <string>

#include "lore/core/error.h"
#include "support/catch.h"

namespace {

lore::LlamaConfig small_config() {
  lore::LlamaConfig config;
  config.vocab_size = 10;
  config.hidden_size = 4;
  config.intermediate_size = 6;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.num_key_value_heads = 1;
  config.head_dim = 2;
  return config;
}

}  // namespace

TEST_CASE("the weights of a model are counted in the dtype they are computed in") {
  // Embeddings and head 2 * 40, final norm 4; a layer: norms 2 * 4, q and o 2 * 16, k and v 2 * 8, mlp 3
  // * 24.
  constexpr std::int64_t kElements = 2 * 40 + 4 + 2 * (8 + 32 + 16 + 72);
  lore::LlamaConfig config = small_config();
  CHECK(lore::weight_bytes(config, at::kFloat) == 4 * kElements);
  config.tie_word_embeddings = true;
  CHECK(lore::weight_bytes(config, at::kBFloat16) == 2 * (kElements - 40));
}

TEST_CASE("what cannot fit is refused with its parts and what to change, what is not known passes") {
  CHECK_NOTHROW(lore::check_weights_fit(2'000'000'000, 2'000'000'000));
  CHECK_NOTHROW(lore::check_weights_fit(2'000'000'000, 0));
  try {
    lore::check_weights_fit(2'000'000'000, 1'500'000'000);
    FAIL("was not refused");
  } catch (const lore::Error& error) {
    CHECK(error.kind() == lore::ErrorKind::kResources);
    CHECK(std::string(error.what()).find("take 2.00 GB, and 1.50 GB may be used") != std::string::npos);
  }
  const lore::TrainingNeed need{2'000'000'000, 100'000'000, 900'000'000, 4096};
  CHECK_NOTHROW(lore::check_training_fits(need, 3'000'000'000));
  CHECK_NOTHROW(lore::check_training_fits(need, 0));
  try {
    lore::check_training_fits(need, 2'900'000'000);
    FAIL("was not refused");
  } catch (const lore::Error& error) {
    CHECK(std::string(error.what()).find("activations of 4096 tokens 0.90") != std::string::npos);
    CHECK(std::string(error.what()).find("training.batch_size") != std::string::npos);
  }
}
