#include "read_rows.h"
#include "support/catch.h"

using Lines = std::vector<std::string>;

TEST_CASE("a text is a document, its paragraphs or its lines") {
  const std::string text = "\n# 标题\r\n\r\na\rb\n \t\n\nc";
  CHECK(read_text("t.md", text).rows == Lines{R"({"text":"\n# 标题\n\na\nb\n \t\n\nc"})"});
  const ReadResult paragraphs = read_text("t.md", text, {.path = "", .sample_by = "paragraph"});
  CHECK(paragraphs.rows == Lines{R"({"text":"# 标题"})", R"({"text":"a\nb"})", R"({"text":"c"})"});
  CHECK(paragraphs.places == Lines{"t.md:2", "t.md:4", "t.md:8"});
  const ReadResult lines = read_text("t.txt", text, {.path = "", .sample_by = "line"});
  CHECK(lines.rows.size() == 4);
  CHECK(lines.places == Lines{"t.txt:2", "t.txt:4", "t.txt:5", "t.txt:8"});
}

TEST_CASE("a byte that cannot be decoded makes its paragraph bad, at the byte's line") {
  const ReadResult read =
      read_text("t.txt", "one\ntwo\xFF\nthree\n\nfour\n", {.path = "", .sample_by = "paragraph"});
  CHECK(read.rows == Lines{R"({"text":"four"})"});
  REQUIRE(read.problems.size() == 1);
  CHECK(read.problems[0].starts_with("t.txt:2: column 4: byte 0xFF is not UTF-8"));
  CHECK(read.bad_texts == Lines{"one\ntwo\xFF\nthree"});
}

TEST_CASE("a line longer than 16 MiB is bad") {
  const std::string line(std::size_t{17} << 20, 'x');
  const ReadResult read = read_text("t.txt", "a\n" + line + "\nb\n", {.path = "", .sample_by = "line"});
  CHECK(read.rows.size() == 2);
  CHECK(read.problems == Lines{"t.txt:2: the line is longer than 16 MiB"});
}
