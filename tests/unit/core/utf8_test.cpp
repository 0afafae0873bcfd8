#include "lore/core/utf8.h"

#include "support/catch.h"

using namespace lore;

TEST_CASE("UTF-8 is well formed as the Unicode standard's table 3-7 says") {
  CHECK(well_formed_length("") == 0);
  CHECK(well_formed_length(std::string_view("\0", 1)) == 1);
  CHECK(well_formed_length("\x7F") == 1);
  CHECK(well_formed_length("\xC2\x80") == 2);
  CHECK(well_formed_length("\xE0\xA0\x80") == 3);
  CHECK(well_formed_length("\xED\x9F\xBF") == 3);
  CHECK(well_formed_length("\xF0\x90\x80\x80") == 4);
  CHECK(well_formed_length("\xF4\x8F\xBF\xBF\x41") == 4);
  for (const std::string_view bytes :
       {"\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xC2", "\xE4\xB8", "\xF0\x9F\x98", "\xE4\xB8\x41"}) {
    CHECK(well_formed_length(bytes) == 0);
    CHECK_FALSE(is_valid_utf8(bytes));
  }
}

TEST_CASE("the first ill-formed byte is found wherever it stands among ASCII and other characters") {
  for (std::size_t at = 0; at < 40; ++at) {
    for (const std::string_view before : {"a", "é", "中", "😀"}) {
      std::string text;
      for (std::size_t i = 0; i < at; ++i) text += i % 3 == 2 ? std::string(before) : "a";
      const std::size_t bad = text.size();
      CHECK(find_ill_formed(text) == std::string_view::npos);
      CHECK(find_ill_formed(text + "\xFFtail of the line") == bad);
      CHECK(find_ill_formed(text + "\xE4\xB8") == bad);
      CHECK(replace_invalid_utf8(text + "\xE4\xB8z") == text + "\xEF\xBF\xBDz");
    }
  }
}

TEST_CASE("characters are read and written at every length") {
  const std::string text = "a\xC2\x80\xE4\xB8\xAD\xF4\x8F\xBF\xBF";
  std::string written;
  std::u32string characters;
  for (std::size_t position = 0; position < text.size();) {
    characters += next_character(text, position);
    append_utf8(written, characters.back());
  }
  CHECK(characters == std::u32string{U'a', 0x80, 0x4E2D, 0x10FFFF});
  CHECK(written == text);
}
