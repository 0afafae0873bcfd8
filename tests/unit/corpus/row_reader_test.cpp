#include "lore/corpus/row_reader.h"

#include <fstream>

#include "lore/core/error.h"
#include "read_rows.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace {

std::vector<lore::Row> read(const std::string& text, std::optional<std::int64_t> limit = {}) {
  const TemporaryFolder folder;
  std::ofstream(folder / "d.jsonl", std::ios::binary) << text;
  lore::SourceSpec spec;
  spec.path = folder / "d.jsonl";
  spec.limit = limit;
  const auto reader = lore::open_rows(spec);
  std::vector<lore::Row> rows;
  while (auto read = reader->next()) {
    if (const auto* bad = std::get_if<lore::BadRow>(&*read)) {
      throw lore::Error(lore::ErrorKind::kInput, bad->source.substr(bad->source.rfind("d.jsonl")), bad->why);
    }
    lore::Row& row = rows.emplace_back(std::get<lore::Row>(std::move(*read)));
    row.source = row.source.substr(row.source.rfind("d.jsonl"));
  }
  return rows;
}

/// Every problem of the text, one a line.
std::string why(const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder / "d.jsonl", std::ios::binary) << text;
  const auto reader = lore::open_rows({.path = folder / "d.jsonl"});
  std::string all;
  const auto add = [&](const std::string& problem) {
    all += problem.substr(problem.rfind("d.jsonl")) + "\n";
  };
  try {
    while (auto read = reader->next()) {
      if (const auto* bad = std::get_if<lore::BadRow>(&*read)) {
        add(bad->source + ": " + bad->why);
      }
    }
  } catch (const lore::Error& error) {
    add(error.what());
  }
  return all.empty() ? "accepted" : all;
}

}  // namespace

TEST_CASE("rows come with their line, past a byte order mark, CRLF and blank lines") {
  const auto rows = read("\xEF\xBB\xBF{\"b\": 1, \"a\": 2}\r\n\r\n  \n{\"b\": 3}");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].source == "d.jsonl:1");
  CHECK(rows[0].value.dump() == R"({"b":1,"a":2})");
  CHECK(rows[1].source == "d.jsonl:4");
}

TEST_CASE("an array is read row by row, too") {
  const auto rows = read("\n[\n  {\"a\": \"],[\"},\n\n  {\"a\": [1, {\"b\": 2}]\n  }\n]\n");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].source == "d.jsonl:3");
  CHECK(rows[1].source == "d.jsonl:5");
  CHECK(rows[1].value["a"][1]["b"] == 2);
}

TEST_CASE("a limit keeps the first rows and does not look at the others") {
  CHECK(read("{}\n{}\nnonsense\n", 2).size() == 2);
  CHECK(read("[{}, {}, nonsense", 2).size() == 2);
  CHECK(read("{}\n", 0).empty());
}

TEST_CASE("every bad row is named with its line") {
  const std::string text = why("{\"a\": 1}\n{\"a\": }\n[1]\n\"x\"\n{\"a\": \"\xFF\"}\n");
  CHECK(text.find("d.jsonl:2: column 7: ") != std::string::npos);
  CHECK(text.find("d.jsonl:3: expected a JSON object, got array") != std::string::npos);
  CHECK(text.find("d.jsonl:4: expected a JSON object, got string") != std::string::npos);
  CHECK(text.find("d.jsonl:5: ") != std::string::npos);
}

TEST_CASE("damaged arrays are errors") {
  CHECK(why("[{}").find("']' is missing") != std::string::npos);
  CHECK(why("[{},,{}]").find("an element is missing") != std::string::npos);
  CHECK(why("[{},]").find("an element is missing") != std::string::npos);
  CHECK(why("[{}] x").find("something follows") != std::string::npos);
  CHECK(why("[{}}").find("d.jsonl:1") != std::string::npos);
}

TEST_CASE("an object file is a row, or holds the rows") {
  using Lines = std::vector<std::string>;
  CHECK(read_text("d.json", "{\n \"messages\": [{\"a\": 1}]\n}\n").rows ==
        Lines{R"({"messages":[{"a":1}]})"});
  CHECK(read_text("d.json", "{\n \"data\": [{\"a\": 1}, {\"a\": 2}]\n}\n").places ==
        Lines{"d.json:2", "d.json:2"});
  CHECK(read_text("d.json", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n").places == Lines{"d.json:1", "d.json:4"});
  // A column of the row's own may hold a list, too.
  lore::SourceSpec spec;
  spec.columns = {{"messages", "turns"}};
  CHECK(read_text("d.json", "{\n \"turns\": [{\"a\": 1}]\n}\n", spec).rows ==
        Lines{R"({"turns":[{"a":1}]})"});
}

TEST_CASE("a row longer than 16 MiB is bad, and the next one is read") {
  const std::string filler(std::size_t{17} << 20, 'x');
  CHECK(why("{\"a\": \"" + filler + "\"}\n{}\n") == "d.jsonl:1: the row is longer than 16 MiB\n");
  CHECK(why("[{\"a\": \"" + filler + "\"},\n{}]\n") == "d.jsonl:1: the row is longer than 16 MiB\n");
}

TEST_CASE("what a row says is no part of a message") {
  for (const char* row : {"{\"a\": \"secret\" secret}", "{\"secret\": secret1}", "{\"a\": \"secret\x01\"}",
                          "{\"a\": 31415926e999}", "{secret}", "\"secret\"", "{\"a\": \"secret\xFF\"}"}) {
    const std::string text = why(row);
    CHECK(text != "accepted");
    CHECK(text.find("secret") == std::string::npos);
    CHECK(text.find("31415926") == std::string::npos);
  }
}

TEST_CASE("rows that would take too much to parse are refused") {
  CHECK(why("{\"a\": " + std::string(100000, '[')).find("nested deeper than 64 levels") != std::string::npos);
  std::string keys = "{";
  for (int i = 0; i < 20001; ++i) {
    keys += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":0";
  }
  CHECK(why(keys + "}").find("more than 20000 keys") != std::string::npos);
}

TEST_CASE("a source without a row is an error") {
  CHECK(why("") == "d.jsonl: holds no rows\n");
  CHECK(why("\n \r\n") == "d.jsonl: holds no rows\n");
  CHECK(why("[]") == "d.jsonl: holds no rows\n");
}

TEST_CASE("a missing file is an error") {
  CHECK_THROWS_AS(lore::open_rows({.path = "/nonexistent/x.jsonl"}), lore::Error);
}
