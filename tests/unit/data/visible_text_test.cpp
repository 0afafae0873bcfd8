#include "lore/data/visible_text.h"

#include "support/catch.h"

TEST_CASE("what cannot be seen is made visible, the rest stays") {
  CHECK(lore::visible_text("供应链 é 👩‍💻\n\t.") == "供应链 é 👩‍💻\n\t.");
  CHECK(lore::visible_text(std::string_view("\0\x1B\r\x7F", 4)) == "␀␛␍␡");
  CHECK(lore::visible_text("\u0085\u200B\u202E\u2066\uFEFF\u2028") ==
        "\\u0085\\u200b\\u202e\\u2066\\ufeff\\u2028");
  CHECK(lore::visible_text("\U000E0041") == "\\U000e0041");
  CHECK(lore::visible_text("a\xE9\xA3z\xFF") == "a\\xe9\\xa3z\\xff");
  CHECK(lore::visible_line(" a\n\tb") == "·a↵⇥b");
  CHECK(lore::visible_name("my file\n\x1B.jsonl") == "my file␊␛.jsonl");
}

TEST_CASE("widths are those of a terminal") {
  CHECK(lore::display_width("abc") == 3);
  CHECK(lore::display_width("风控阈值") == 8);
  CHECK(lore::display_width("e\u0301") == 1);
  CHECK(lore::pad_right("风", 4) == "风  ");
  CHECK(lore::pad_left("风", 4) == "  风");
  CHECK(lore::pad_left("toolong", 3) == "toolong");
}

TEST_CASE("names are cut at their beginning, to at most the width") {
  CHECK(lore::cut_left("terms.jsonl", 11) == "terms.jsonl");
  CHECK(lore::cut_left("terms.jsonl", 6) == "…jsonl");
  CHECK(lore::cut_left("风控阈值.jsonl", 10) == "…值.jsonl");
  CHECK(lore::cut_left("风控阈值", 4) == "…值");
  CHECK(lore::cut_left("abc", 0) == "");
}

TEST_CASE("numbers are grouped and shares named") {
  CHECK(lore::grouped(0) == "0");
  CHECK(lore::grouped(999) == "999");
  CHECK(lore::grouped(1000) == "1,000");
  CHECK(lore::grouped(-1234567) == "-1,234,567");
  CHECK(lore::percent(1, 8) == "12.5%");
  CHECK(lore::percent(0, 0) == "-");
}
