#include "lore/recipe/yaml_tree.h"

#include <fmt/format.h>

#include "sample_recipe.h"
#include "support/catch.h"

namespace {

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

}  // namespace

TEST_CASE("aliases that stand for a billion values are refused") {
  std::string text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string aliases = repeated(fmt::format("*a{}, ", i - 1), 10);
    text += fmt::format("a{0}: &a{0} [{1}]\n", i, aliases);
  }
  CHECK(problems_of(text).find("the recipe holds more than 100000 values, aliases counted in full") !=
        std::string::npos);
}

TEST_CASE("nesting past the bound is refused, by brackets, by lines and by aliases") {
  const std::string deep = "the recipe is nested more than 64 levels deep";
  CHECK(problems_of(repeated("[", 100'000)).find(deep) != std::string::npos);
  CHECK(problems_of("x: " + repeated("{a: ", 100'000)).find(deep) != std::string::npos);
  CHECK(problems_of(repeated("- ", 1000)).find(deep) != std::string::npos);
  CHECK(problems_of("a: &a " + repeated("[", 40) + repeated("]", 40) + "\nb: " + repeated("[", 40) + "*a" +
                    repeated("]", 40))
            .find(deep) != std::string::npos);
}

TEST_CASE("a recipe of more than a mebibyte is refused") {
  CHECK(problems_of(std::string((1 << 20) + 1, '#')) ==
        "/recipes/r.yaml:1:1: the text is 1048577 bytes; a recipe is at most 1048576");
}

TEST_CASE("an anchor and its alias give the same value, and an override leaves the other as it is") {
  const std::string text =
      "model: { path: ./base }\n"
      "data: { train: &files [{ path: a.jsonl }], validation: *files }\n"
      "output_dir: out\n";
  REQUIRE(problems_of(text).empty());
  CHECK(recipe_of(text).data.validation == recipe_of(text).data.train);
  const lore::Recipe changed = recipe_of(text, {"data.validation[0].limit=5"});
  CHECK(changed.data.validation[0].limit == 5);
  CHECK_FALSE(changed.data.train[0].limit.has_value());
}

TEST_CASE("line breaks of other systems and a byte order mark do not move places") {
  for (const char* end : {"\n", "\r\n", "\r"}) {
    const std::string text = std::string("\xEF\xBB\xBF# comment") + end + "modle: {}" + end;
    CHECK(problems_of(text).find("r.yaml:2:1: unknown key \"modle\" (did you mean \"model\"?)") !=
          std::string::npos);
  }
}

TEST_CASE("JSON is read, tabs and escapes included") {
  const std::string text =
      "{\n\t\"model\": {\"path\":\"./b\\u00e9\"},\n\t\"data\": "
      "{\"train\":[{\"path\":\"t.jsonl\"}],\"packing\":true},\n"
      "\t\"training\": {\"learning_rate\":1e-4,\"max_steps\":null},\n\t\"output_dir\": \"out\"\n}\n";
  REQUIRE(problems_of(text).empty());
  const lore::Recipe recipe = recipe_of(text);
  CHECK(recipe.model.path == "/recipes/b\xC3\xA9");
  CHECK(recipe.data.packing);
  CHECK(recipe.training.learning_rate == 1e-4);
}

TEST_CASE("a repeated key keeps the first value") {
  std::vector<lore::YamlProblem> problems;
  const lore::YamlNodePtr root = lore::parse_yaml("a: 1\na: 2\n", lore::YamlPlace::kFile, problems);
  REQUIRE(root);
  REQUIRE(root->find("a") != nullptr);
  CHECK(root->find("a")->value->text == "1");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].place == lore::YamlPlace{lore::YamlPlace::kFile, 2, 1});
}

TEST_CASE("quoted strings end where YAML says, doubled and escaped marks inside") {
  const std::string text =
      "model: { path: './it''s' }\n"
      "data: { train: [{ path: \"say \\\"hi\\\".jsonl\" }] }\n"
      "output_dir: 'out'\n";
  REQUIRE(problems_of(text).empty());
  CHECK(recipe_of(text).model.path == "/recipes/it's");
  CHECK(recipe_of(text).data.train[0].path == "/recipes/say \"hi\".jsonl");
}
