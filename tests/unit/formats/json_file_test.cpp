#include "lore/formats/json_file.h"

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/formats/fixtures.h"

TEST_CASE("a JSON file is read, with or without the order of its keys") {
  const TemporaryFolder folder;
  write_text(folder / "a.json", R"({"z": [1, -2, 0.5, null, true], "a": {"键": "值"}})");
  const auto json = lore::read_json_file(folder / "a.json");
  CHECK(json["z"].dump() == "[1,-2,0.5,null,true]");
  CHECK(json["a"]["键"] == "值");
  CHECK(lore::read_ordered_json_file(folder / "a.json").dump() ==
        R"({"z":[1,-2,0.5,null,true],"a":{"键":"值"}})");
}

TEST_CASE("JSON is refused with its line and column") {
  const struct {
    std::string text;
    std::string expected;
  } cases[] = {
      {"", "f.json:1:1: "},
      {"{\"a\": 1,\n  \"b\": }", "f.json:2:8: syntax error while parsing value - unexpected '}'"},
      {"{\"é\": 1, \"a\": x}", "f.json:1:15: "},
      {"{\"a\": 1,\n \"b\": 2, \"a\": 3}", "f.json:2:10: the key \"a\" is repeated"},
      {R"([{"a\"b": 1, "a\"b": 2}])", "f.json:1:14: the key \"a\"b\" is repeated"},
      {"[1, 2", "f.json:1:6: "},
      {"{} {}", "f.json:1:4: "},
      {"[1,]", "f.json:1:4: "},
      {"// no\n1", "f.json:1:"},
      {"[NaN]", "f.json:1:2: "},
      {"[1e999]", "number overflow"},
      {"\"\xff\"", "ill-formed UTF-8 byte"},
      {"\"\xed\xa0\x80\"", "ill-formed UTF-8 byte"},
      {std::string(65, '['), "f.json:1:65: is nested deeper than 64 levels"},
      {std::string(100'000, '['), "is nested deeper than 64 levels"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text.substr(0, 80));
    CHECK(lacking(refusal([&text = text] { lore::parse_json(text, "f.json"); }), {expected}) == "");
  }
}

TEST_CASE("64 levels of JSON are read") {
  CHECK_NOTHROW(lore::parse_json(std::string(64, '[') + std::string(64, ']'), "deep"));
}

TEST_CASE("a repeated key is refused when the order is kept, too") {
  const TemporaryFolder folder;
  write_text(folder / "a.json", R"({"b": {"x": 1}, "c": {"x": 1}, "b": 2})");
  CHECK(lacking(refusal([&] { lore::read_ordered_json_file(folder / "a.json"); }),
                {"a.json:1:32: the key \"b\" is repeated"}) == "");
}

TEST_CASE("a JSON file that is missing is named") {
  CHECK(lacking(refusal([] { lore::read_json_file("/nonexistent/config.json"); }),
                {"/nonexistent/config.json: cannot be opened"}) == "");
}
