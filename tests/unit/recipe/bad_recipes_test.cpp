#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "lore/core/error.h"
#include "lore/recipe/reader.h"
#include "sample_recipe.h"
#include "support/catch.h"

namespace fs = std::filesystem;

namespace {

/// The lines of a fixture that start with `#: `: its problems, in order, as line:column: message.
std::vector<std::string> expected_problems(const fs::path& file) {
  std::vector<std::string> lines;
  std::istringstream stream(contents_of(file));
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("#: ")) {
      lines.push_back(line.substr(3));
    }
  }
  return lines;
}

std::vector<fs::path> recipes_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

TEST_CASE("every problem of a bad recipe is reported with its line and column") {
  const std::vector<fs::path> files = recipes_in(fs::path(LORE_SOURCE_DIR) / "tests" / "bad_recipes");
  REQUIRE(files.size() >= 50);
  for (const fs::path& file : files) {
    INFO(file.string());
    std::vector<std::string> expected = expected_problems(file);
    REQUIRE_FALSE(expected.empty());
    std::vector<std::string> actual;
    for (const lore::RecipeProblem& problem : lore::check_recipe(file).problems) {
      CHECK(problem.text().starts_with(file.string() + ":"));
      actual.push_back(problem.text().substr(file.string().size() + 1));
    }
    CHECK(actual == expected);
  }
}

TEST_CASE("a bad recipe is one usage error that holds every problem, one a line") {
  const fs::path file = fs::path(LORE_SOURCE_DIR) / "tests" / "bad_recipes" / "key_of_another_trainer.yaml";
  try {
    lore::read_recipe(file);
    FAIL("the recipe was accepted");
  } catch (const lore::Error& error) {
    CHECK(error.kind() == lore::ErrorKind::kUsage);
    const std::string text = error.what();
    CHECK(text.starts_with(file.string() + ":5:3: unknown key \"num_train_epochs\""));
    CHECK(std::ranges::count(text, '\n') == 2);
  }
}

TEST_CASE("a recipe that cannot be opened is an input error") {
  try {
    lore::read_recipe("/nonexistent/recipe.yaml");
    FAIL("the recipe was accepted");
  } catch (const lore::Error& error) {
    CHECK(error.kind() == lore::ErrorKind::kInput);
  }
}

TEST_CASE("every recipe in recipes/ is sound") {
  const std::vector<fs::path> files = recipes_in(fs::path(LORE_SOURCE_DIR) / "recipes");
  REQUIRE(files.size() >= 3);
  for (const fs::path& file : files) {
    INFO(file.string());
    CHECK_NOTHROW(lore::read_recipe(file));
  }
}

TEST_CASE("bytes that are not UTF-8 and control characters have a place") {
  CHECK(problems_of("model: { path: \"\xFF\" }\n") ==
        "/recipes/r.yaml:1:17: byte 0xFF is not UTF-8; save the recipe as UTF-8");
  CHECK(problems_of("a: 1\nb: \x01\n") ==
        "/recipes/r.yaml:2:4: control character 0x01 is not allowed in YAML");
  CHECK(problems_of(std::string("a: \0b", 5)) ==
        "/recipes/r.yaml:1:4: control character 0x00 is not allowed in YAML");
  // An overlong form, a surrogate, a code point past the last, a character cut short.
  for (const char* bytes : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE4\xB8"}) {
    CHECK(problems_of(std::string("# ") + bytes).find("is not UTF-8") != std::string::npos);
  }
}

TEST_CASE("control characters of escapes do not reach a path or a message") {
  const std::string text = problems_of(kShortest + "adapter: { init_from: \"a\\eb\" }\n\"k\\n\": 1\n");
  CHECK(text ==
        "/recipes/r.yaml:4:23: adapter.init_from holds a control character: \"a\\x1Bb\"\n"
        "/recipes/r.yaml:5:1: unknown key \"k\\n\"");
}

TEST_CASE("problems past the first hundred are cut off with a word") {
  std::string text = kShortest;
  for (int i = 0; i < 5000; ++i) {
    text += fmt::format("k{}: 1\n", i);
  }
  const auto problems = lore::read_recipe_text(text, "r.yaml").problems;
  REQUIRE(problems.size() == 101);
  CHECK(problems.back().message == "more problems follow; mend those above first");
}
