#include "read_rows.h"
#include "support/catch.h"

using Lines = std::vector<std::string>;

TEST_CASE("the header tells the delimiter, quotes aside") {
  CHECK(read_text("t.csv", "a,b\n1,2\n").rows == Lines{R"({"a":"1","b":"2"})"});
  CHECK(read_text("t.csv", "a;b\n1,5;2\n").rows == Lines{R"({"a":"1,5","b":"2"})"});
  CHECK(read_text("t.csv", "a\tb\n1\t2\n").rows == Lines{R"({"a":"1","b":"2"})"});
  CHECK(read_text("t.csv", "\"a,x,y\";b\n1;2\n").rows == Lines{R"({"a,x,y":"1","b":"2"})"});
  CHECK(read_text("t.csv", "text\n1,2\n").problems ==
        Lines{"t.csv:2: fields: 2 in the row, 1 in the header"});
  CHECK(read_text("t.tsv", "a,x\tb\n1\t2\n").rows == Lines{R"({"a,x":"1","b":"2"})"});
  CHECK(read_text("t.csv", "\xEF\xBB\xBFsep=|\r\na|b\r\n1|2\r\n").rows == Lines{R"({"a":"1","b":"2"})"});
}

TEST_CASE("rows come with the line they begin in, whatever ends it") {
  for (const char* end : {"\n", "\r\n", "\r"}) {
    std::string text = "a,b\n\"x\ny\",1\n\n\"\"\"q\"\"\",2\n\"\",\nz,";
    for (std::size_t at = text.find('\n'); at != std::string::npos;
         at = text.find('\n', at + std::string_view(end).size())) {
      text.replace(at, 1, end);
    }
    const ReadResult read = read_text("t.csv", text);
    CHECK(read.places == Lines{"t.csv:2", "t.csv:5", "t.csv:6", "t.csv:7"});
    CHECK(read.rows.size() == 4);
    CHECK(read.rows.at(1) == R"({"a":"\"q\"","b":"2"})");
    CHECK(read.rows.at(3) == R"({"a":"z","b":""})");
  }
}

TEST_CASE("a bad row is kept as the file has it") {
  const ReadResult read = read_text("t.csv", "a,b\n\"x\ny\"z,1\n\"1\",2,3\n4,5\n");
  CHECK(read.bad_texts == Lines{"\"x\ny\"z,1", "\"1\",2,3"});
  CHECK(read.rows == Lines{R"({"a":"4","b":"5"})"});
}

TEST_CASE("a row that never ends does not take all memory") {
  const std::string filler(std::size_t{17} << 20, 'x');
  const ReadResult read = read_text("t.csv", "a,b\n" + filler + ",1\n2,3\n");
  CHECK(read.problems == Lines{"t.csv:2: the row is longer than 16 MiB"});
  CHECK(read.rows == Lines{R"({"a":"2","b":"3"})"});
  CHECK(read_text("t.csv", "a,b\n1,\"" + filler + "\n")
            .error.starts_with("t.csv:2: the quote that opens here is not closed within 16 MiB"));
}
