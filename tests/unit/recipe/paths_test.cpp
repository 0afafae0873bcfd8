#include "lore/recipe/paths.h"

#include "lore/core/atomic_file.h"
#include "lore/recipe/reader.h"
#include "sample_recipe.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;

TEST_CASE("relative paths start at the recipe's folder, absolute ones stay") {
  const std::string text =
      "model: { path: ../models/base.gguf }\n"
      "data: { train: [{ path: train.jsonl }, { path: /data/more.jsonl }], template: chat.jinja }\n"
      "adapter: { init_from: ./first }\n"
      "output_dir: ../runs/a/\n";
  REQUIRE(problems_of(text) == "");
  const lore::Recipe recipe = recipe_of(text, {"data.validation[0].path=held.jsonl"});
  CHECK(recipe.model.path == "/models/base.gguf");
  CHECK(recipe.data.train[0].path == "/recipes/train.jsonl");
  CHECK(recipe.data.train[1].path == "/data/more.jsonl");
  CHECK(recipe.data.validation[0].path == "/recipes/held.jsonl");
  CHECK(recipe.data.chat_template == "/recipes/chat.jinja");
  CHECK(recipe.adapter.init_from == "/recipes/first");
  CHECK(recipe.output_dir == "/runs/a/");
}

TEST_CASE("auto, none and bare names are templates, not files") {
  CHECK(recipe_of(kShortest).data.chat_template == "auto");
  CHECK(recipe_of(kShortest, {"data.template=none"}).data.chat_template == "none");
  CHECK(recipe_of(kShortest, {"data.template=llama2"}).data.chat_template == "llama2");
  CHECK(recipe_of(kShortest, {"data.template=./none"}).data.chat_template == "/recipes/none");
}

TEST_CASE("a hub id stays unless a file of that name is in the recipe's folder") {
  const TemporaryFolder folder;
  const fs::path file = fs::canonical(folder.path()) / "r.yaml";
  lore::write_file_atomically(file, kShortest);
  const std::vector<std::string> set = {"model.path=org/model-7b"};
  CHECK(lore::read_recipe(file, set).model.path == "org/model-7b");
  lore::create_folders(folder / "org/model-7b");
  lore::create_folders(folder / "chat");
  CHECK(lore::read_recipe(file, {"data.template=chat"}).data.chat_template ==
        (file.parent_path() / "chat").string());
  CHECK(lore::read_recipe(file, set).model.path == (file.parent_path() / "org/model-7b").string());
}

TEST_CASE("what has the form of a hub id") {
  for (const char* id : {"gpt2", "meta-llama/Llama-2-7b-hf", "org/model.v1_2"}) {
    CHECK(lore::is_hub_id(id));
  }
  for (const char* path :
       {"", ".", "./model", "../model", "/model", "a/b/c", "org/", "model.gguf", "a b", "模型"}) {
    CHECK_FALSE(lore::is_hub_id(path));
  }
}

TEST_CASE("paths go up from where the recipe's folder really is, not from a link to it") {
  const TemporaryFolder folder;
  const fs::path root = fs::canonical(folder.path());
  lore::create_folders(root / "project/recipes");
  fs::create_directory_symlink(root / "project/recipes", root / "link");
  lore::write_file_atomically(root / "project/recipes/r.yaml", kShortest);
  CHECK(lore::read_recipe(root / "link/r.yaml", {"output_dir=../out"}).output_dir ==
        (root / "project/out").string());
}

TEST_CASE("a relative recipe gives absolute paths") {
  CHECK(fs::path(lore::read_recipe_text(kShortest, "r.yaml").recipe.output_dir) ==
        fs::canonical(fs::current_path()) / "out");
}

TEST_CASE("a recipe's folder whose name is not UTF-8 is a problem, not a broken resolved recipe") {
  const auto reading = lore::read_recipe_text(kShortest, "/caf\xE9/r.yaml");
  REQUIRE(reading.problems.size() == 3);
  CHECK(reading.problems[0].message == "model.path: the name of the recipe's folder is not UTF-8");
}
