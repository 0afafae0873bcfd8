#include "lore/core/error.h"

#include "support/catch.h"

using lore::Error;
using lore::ErrorKind;

TEST_CASE("an error reads as subject, then message") {
  const Error error = Error::mismatch(ErrorKind::kInput, "q_proj.lora_A", "[8,576]", "[16,576]");
  CHECK(std::string(error.what()) == "q_proj.lora_A: expected [8,576], got [16,576]");
}

TEST_CASE("context goes in front of the subject") {
  const Error error(ErrorKind::kInput, "tensor", "is missing");
  CHECK(std::string(error.within("model.safetensors").what()) == "model.safetensors: tensor: is missing");
  CHECK(error.within("x").kind() == ErrorKind::kInput);
}
