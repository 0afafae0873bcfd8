#include "lore/core/suggestion.h"

#include <vector>

#include "support/catch.h"

TEST_CASE("a misspelled name finds its neighbour") {
  const std::vector<std::string> names{"learning_rate", "lora_alpha", "batch_size"};
  CHECK(lore::nearest_name("learning_rat", names) == "learning_rate");
  CHECK(lore::nearest_name("lroa_alpha", names) == "lora_alpha");
  CHECK(lore::nearest_name("temperature", names).empty());
}

TEST_CASE("a message names the neighbour, or says nothing") {
  const std::vector<std::string> names{"train", "merge"};
  CHECK(lore::did_you_mean("trian", names) == " (did you mean 'train'?)");
  CHECK(lore::did_you_mean("x", names).empty());
}
