#include "lore/core/private_path.h"

#include "support/catch.h"

TEST_CASE("paths of one machine are told from names") {
  for (const char* path :
       {"/home/someone/models/base", "~/models/base", "./base", "../base", "C:\\models\\base",
        "D:/models/base", "models\\base", "file:///models/base", "a/b/c", ".", ".."}) {
    INFO(path);
    CHECK(lore::is_private_path(path));
  }
  for (const char* name : {"owner/name", "gpt2", "SmolLM2-135M-Instruct.Q4_1.gguf", "", "模型", "a name",
                           "https://hub.example/owner/name"}) {
    INFO(name);
    CHECK_FALSE(lore::is_private_path(name));
    CHECK(lore::public_name(name) == name);
  }
}

TEST_CASE("what is told of a private path is its name alone") {
  CHECK(lore::public_name("/home/someone/models/base") == "base");
  CHECK(lore::public_name("/home/someone/models/base/") == "base");
  CHECK(lore::public_name("C:\\models\\base") == "base");
  CHECK(lore::public_name("../base.gguf") == "base.gguf");
  CHECK(lore::public_name("..").empty());
  CHECK(lore::public_name("~").empty());
  CHECK(lore::public_name("/home/someone/.cache/huggingface/hub/models--owner--name/snapshots/abc") ==
        "owner/name");
  CHECK(lore::public_name("/hub/models--gpt2/snapshots/abc") == "gpt2");
}
