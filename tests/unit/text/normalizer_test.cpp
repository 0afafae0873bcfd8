// Texts are those that tokenizers 0.22.2 gives.

#include "lore/text/normalizer.h"

#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

namespace {

std::string normalized(const nlohmann::json& description, std::string_view text) {
  lore::AlignedText aligned(text, 0);
  lore::make_normalizer(description, "normalizer")->apply(aligned);
  return std::string(aligned.text());
}

}  // namespace

TEST_CASE("the Unicode normalization forms") {
  CHECK(normalized({{"type", "NFC"}}, "e\u0301ﬁ") == "éﬁ");
  CHECK(normalized({{"type", "NFD"}}, "É") == "E\u0301");
  CHECK(normalized({{"type", "NFKC"}}, "e\u0301ﬁ a\u3000") == "éfi a ");
  CHECK(normalized({{"type", "NFKD"}}, "éﬁ") == "e\u0301fi");
  CHECK(normalized({{"type", "NFC"}}, "가") == "가");
}

TEST_CASE("Lowercase, Strip, Prepend, Replace and a Sequence of them") {
  CHECK(normalized({{"type", "Lowercase"}}, "ÉİΣ") == "éi\u0307σ");
  CHECK(normalized({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}}, " ab a\u3000") ==
        "ab a");
  CHECK(normalized({{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}}, "\u3000\t").empty());
  CHECK(normalized({{"type", "Prepend"}, {"prepend", "▁"}}, "a") == "▁a");
  CHECK(normalized({{"type", "Prepend"}, {"prepend", "▁"}}, "").empty());
  CHECK(normalized({{"type", "Replace"}, {"pattern", {{"Regex", "[ab]+"}}}, {"content", "-"}}, " ab a") ==
        " - -");
  nlohmann::json steps = {{{"type", "Lowercase"}}, {{"type", "Prepend"}, {"prepend", "X"}}};
  CHECK(normalized({{"type", "Sequence"}, {"normalizers", steps}}, "AB") == "Xab");
}

TEST_CASE("a composed character has the range of the character that it begins with") {
  nlohmann::json json = byte_level_json({"Ã©"}, {"Ã ©"});
  json["normalizer"] = {{"type", "NFC"}};
  CHECK(pieces(*load(json), "xe\u0301y") == std::vector<std::string>{"x", "e", "y"});
}

TEST_CASE("bytes that are no UTF-8 are read as replacement characters, with the ranges of the bytes") {
  auto tokenizer = load(byte_level_json({"ï¿", "ï¿½"}, {"ï ¿", "ï¿ ½"}));
  // Python: b"a\xe4\xbdb\xff".decode("utf-8", "replace") == "a\ufffdb\ufffd"
  CHECK(pieces(*tokenizer,
               "a\xE4\xBD"
               "b\xFF") == std::vector<std::string>{"a", "\xE4\xBD", "b", "\xFF"});
  CHECK(tokenizer->decode(encode(*tokenizer, "a\xE4\xBD"), false) == "a\uFFFD");
}
