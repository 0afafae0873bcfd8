// Ids and ranges are those that tokenizers 0.22.2 gives for the same files.

#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

using lore::Token;

namespace {

nlohmann::json with_added(const std::vector<nlohmann::json>& tokens) {
  nlohmann::json json = byte_level_json({}, {});
  json["added_tokens"] = tokens;
  return json;
}

nlohmann::json flagged(std::string_view content, int id, std::string_view flag, bool special = false) {
  nlohmann::json token = added_token(content, id, special);
  token[std::string(flag)] = true;
  return token;
}

}  // namespace

TEST_CASE("added tokens are cut from the text, the longest of those that begin together") {
  auto tokenizer =
      load(with_added({added_token("<e>", 256), added_token("风控", 257), added_token("风控阈值", 258)}));
  CHECK(tokenizer->tokenize("a<e>风控阈值风控", false) ==
        std::vector<Token>{{'a', 0, 1}, {256, 1, 4}, {258, 4, 16}, {257, 16, 22}});
  CHECK(tokenizer->size() == 259);
  CHECK(tokenizer->id_of("风控") == 257);
  CHECK(tokenizer->token_of(258) == "风控阈值");
}

TEST_CASE("lstrip and rstrip take the white space beside a token along") {
  auto left = load(with_added({flagged("<m>", 256, "lstrip")}));
  CHECK(left->tokenize("a \t<m> b", false) ==
        std::vector<Token>{{'a', 0, 1}, {256, 1, 6}, {' ', 6, 7}, {'b', 7, 8}});
  auto right = load(with_added({flagged("<m>", 256, "rstrip")}));
  CHECK(right->tokenize("a <m> \u3000b", false) ==
        std::vector<Token>{{'a', 0, 1}, {' ', 1, 2}, {256, 2, 9}, {'b', 9, 10}});
}

TEST_CASE("single_word finds a token only between characters that are no part of words") {
  auto tokenizer = load(with_added({flagged("foo", 256, "single_word")}));
  CHECK(encode(*tokenizer, "foo,foo") == Ids{256, ',', 256});
  CHECK(encode(*tokenizer, "xfoo foox").size() == 9);
  CHECK(encode(*tokenizer, "中foo").size() == 6);
}

TEST_CASE("a normalized token is found in the normalized text, another in the text as it is") {
  nlohmann::json normalized = with_added({flagged("Foo", 256, "normalized")});
  normalized["normalizer"] = {{"type", "Lowercase"}};
  CHECK(encode(*load(normalized), "fOO") == Ids{256});
  nlohmann::json raw = with_added({added_token("Foo", 256, false)});
  raw["normalizer"] = {{"type", "Lowercase"}};
  CHECK(encode(*load(raw), "Foofoo") == Ids{256, 'f', 'o', 'o'});
}

TEST_CASE("special tokens are left out of decoded text on demand, other added tokens are not") {
  auto tokenizer = load(with_added({added_token("<e>", 256), added_token("<t>", 257, false)}));
  Ids ids = encode(*tokenizer, "a<e>b<t>");
  CHECK(tokenizer->decode(ids, false) == "a<e>b<t>");
  CHECK(tokenizer->decode(ids, true) == "ab<t>");
  CHECK(tokenizer->is_special(256));
  CHECK_FALSE(tokenizer->is_special(257));
}

TEST_CASE("special tokens that the configuration names and the file lacks are added") {
  auto tokenizer = load(with_added({}), {{"eos_token", "<end>"}, {"pad_token", "<end>"}});
  CHECK(tokenizer->special_tokens().eos == 256);
  CHECK(tokenizer->special_tokens().pad == 256);
  CHECK(encode(*tokenizer, "<end>") == Ids{256});
}

TEST_CASE("flags in tokenizer.json win over the small files where there is no added_tokens_decoder") {
  // transformers 4.57.6, GPT2Tokenizer: the file says that <m> takes no white space along.
  TemporaryFolder folder;
  write_text(folder / "tokenizer.json", with_added({added_token("<m>", 256)}).dump());
  write_text(folder / "tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer"})");
  write_text(folder / "special_tokens_map.json",
             R"({"bos_token": {"content": "<m>", "rstrip": true, "lstrip": false, "single_word": false}})");
  write_text(folder / "added_tokens.json", R"({"<m>": 256})");
  auto tokenizer = lore::load_tokenizer(folder.path());
  CHECK(encode(*tokenizer, "<m> a") == Ids{256, ' ', 'a'});
}
