#include "lore/corpus/text_encoding.h"

#include "lore/core/error.h"
#include "read_rows.h"
#include "support/catch.h"

using lore::detect_encoding;
using lore::TextEncoding;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

TextEncoding detected(std::string_view sample, const std::string& declared = "auto") {
  return detect_encoding(sample, true, declared, "f").encoding;
}

}  // namespace

TEST_CASE("a byte order mark has the first word") {
  CHECK(detected("\xEF\xBB\xBFx") == TextEncoding::kUtf8);
  CHECK(detected("\xFF\xFEx\0"sv) == TextEncoding::kUtf16Le);
  CHECK(detected("\xFE\xFF\0x"sv) == TextEncoding::kUtf16Be);
  CHECK(detected("\x84\x31\x95\x33x") == TextEncoding::kGb18030);
  CHECK(detect_encoding("\xEF\xBB\xBFx", true, "auto", "f").mark_size == 3);
  CHECK_THROWS_AS(detected("\xFF\xFE\0\0x\0\0\0"sv), lore::Error);
  CHECK_THROWS_AS(detected("\xFF\xFEx\0"sv, "gb18030"), lore::Error);
  CHECK_THROWS_AS(detected("\xFF\xFEx\0"sv, "utf-16be"), lore::Error);
}

TEST_CASE("without a mark the bytes decide") {
  CHECK(detected("") == TextEncoding::kUtf8);
  CHECK(detected("风控阈值") == TextEncoding::kUtf8);
  CHECK(detected("{\0}\0\n\0"sv) == TextEncoding::kUtf16Le);
  CHECK(detected("\0{\0}\0\n"sv) == TextEncoding::kUtf16Be);
  // U+98CE U+63A7 LF: hardly any zero, and no UTF-8.
  CHECK(detected("\xCE\x98\xA7\x63\x0A\0"sv) == TextEncoding::kUtf16Le);
  // A NUL by accident is no UTF-16.
  CHECK(detected("{\"text\": \"a\0b and more\"}\n"sv) == TextEncoding::kUtf8);
  CHECK(detected("\x00\x4E\x2D\x57"sv, "utf-16le") == TextEncoding::kUtf16Le);
  CHECK_THROWS_AS(detected("\x2D\x4E\x2D\x57"sv, "utf-16"), lore::Error);
}

TEST_CASE("UTF-8 with a damaged byte stays UTF-8, also where the sample cuts a character") {
  CHECK(detected("风控\xFF阈值\n") == TextEncoding::kUtf8);
  CHECK(detected("one\ntwo\nthr\xE9"
                 "e\nfour\n") == TextEncoding::kUtf8);
  CHECK(detect_encoding("风控\xE9\x98", false, "auto", "f").encoding == TextEncoding::kUtf8);
}

TEST_CASE("lines that cannot be decoded are found at their place, in any encoding") {
  const ReadResult read = read_text("a.txt",
                                    "ab\r\nc\xFF"
                                    "d\re\n"s,
                                    {.path = "", .sample_by = "line", .encoding = "gb18030"});
  CHECK(read.rows == std::vector<std::string>{R"({"text":"ab"})", R"({"text":"e"})"});
  CHECK(read.problems == std::vector<std::string>{"a.txt:2: column 2: bytes that are not GB18030"});
}
