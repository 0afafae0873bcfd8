// Texts are those that tokenizers 0.22.2 gives, cleaned up as transformers 4.57.6 does.

#include "lore/text/token_decoder.h"

#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

namespace {

std::string decoded(const nlohmann::json& description, std::vector<std::string> tokens) {
  lore::make_token_decoder(description, "decoder")->apply(tokens);
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

}  // namespace

TEST_CASE("ByteLevel joins bytes and reads what is no UTF-8 as replacement characters") {
  CHECK(decoded({{"type", "ByteLevel"}}, {"Ġa", "ä½", "ł"}) == " a你");
  CHECK(decoded({{"type", "ByteLevel"}}, {"ä½", "a"}) == "\uFFFDa");
  CHECK(decoded({{"type", "ByteLevel"}}, {"<你>"}) == "<你>");
}

TEST_CASE("ByteFallback turns a run of bytes into text, or each of them into a replacement character") {
  CHECK(decoded({{"type", "ByteFallback"}}, {"<0xE4>", "<0xBD>", "<0xA0>", "a"}) == "你a");
  CHECK(decoded({{"type", "ByteFallback"}}, {"<0x41>", "<0xFF>", "a", "<0x41>"}) == "\uFFFD\uFFFDaA");
}

TEST_CASE("Replace, Strip, Fuse and Metaspace") {
  nlohmann::json replace = {{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}};
  nlohmann::json strip = {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}};
  CHECK(decoded(replace, {"▁a▁", "b"}) == " a b");
  CHECK(decoded(strip, {"  a", " b "}) == " ab ");
  CHECK(decoded({{"type", "Sequence"}, {"decoders", {replace, {{"type", "Fuse"}}, strip}}}, {"▁a", "▁b"}) ==
        "a b");
  nlohmann::json metaspace = {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}};
  CHECK(decoded(metaspace, {"▁a", "▁b"}) == "a b");
  metaspace["prepend_scheme"] = "never";
  CHECK(decoded(metaspace, {"▁a", "▁b"}) == " a b");
}

TEST_CASE("clean-up takes out spaces before punctuation and contractions") {
  CHECK(lore::clean_up_spaces("I 'm here . It is n't , \" ' a ' \" ! ?") == "I'm here. It isn't, \"'a'\"!?");
  auto tokenizer = load(byte_level_json({}, {}), {{"clean_up_tokenization_spaces", true}});
  CHECK(tokenizer->decode(encode(*tokenizer, "done ."), false) == "done.");
  CHECK(tokenizer->cleans_up_spaces());
}

TEST_CASE("ids that no token has are left out, and tokens without a decoder stand apart") {
  nlohmann::json json = bpe_json({"a", "b"}, {});
  CHECK(load(json)->decode(Ids{0, 7, -1, 1}, false) == "a b");
}
