// Ids and ranges are those that tokenizers 0.22.2 gives for the same files, unless a test says otherwise.

#include <ctime>

#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

using lore::Token;

namespace {

const std::vector<std::string> kTokens = {"<unk>", "a", "b",  "c",      "ab",     "bc",
                                          "abc",   "▁", "▁a", "<0xE4>", "<0xBD>", "<0xA0>"};

nlohmann::json characters(std::string_view option = "") {
  nlohmann::json json = bpe_json(kTokens, {"b c", "a b", "▁ a"});
  json["model"]["unk_token"] = "<unk>";
  if (!option.empty()) json["model"][std::string(option)] = true;
  return json;
}

}  // namespace

TEST_CASE("the pair of the lowest rank merges first") {
  auto tokenizer = load(characters());
  CHECK(encode(*tokenizer, "abc") == Ids{1, 5});
  CHECK(encode(*tokenizer, "xxaby") == Ids{0, 0, 4, 0});
  CHECK(encode(*tokenizer, "").empty());
}

TEST_CASE("ignore_merges keeps a piece that is a token whole") {
  auto tokenizer = load(characters("ignore_merges"));
  CHECK(encode(*tokenizer, "abc") == Ids{6});
  CHECK(encode(*tokenizer, "xabcx") == Ids{0, 1, 5, 0});
}

TEST_CASE("fuse_unk joins neighbouring unknown characters") {
  auto tokenizer = load(characters("fuse_unk"));
  CHECK(tokenizer->tokenize("xxaby", false) == std::vector<Token>{{0, 0, 2}, {4, 2, 4}, {0, 4, 5}});
}

TEST_CASE("byte_fallback spells an unknown character in bytes, each with the range of the character") {
  auto tokenizer = load(characters("byte_fallback"));
  CHECK(tokenizer->tokenize("你a", false) ==
        std::vector<Token>{{9, 0, 3}, {10, 0, 3}, {11, 0, 3}, {1, 3, 4}});
  CHECK(encode(*tokenizer, "x") == Ids{0});
}

TEST_CASE("merges may be written as pairs") {
  nlohmann::json json = characters();
  json["model"]["merges"] = nlohmann::json::parse(R"([["b","c"],["a","b"],["▁","a"]])");
  CHECK(encode(*load(json), "abc") == Ids{1, 5});
}

TEST_CASE("a merge that reaches over a space marker is found in the middle of a line") {
  nlohmann::json apart = characters();
  CHECK(encode(*load(apart), "ab▁ab▁▁a") == Ids{4, 7, 4, 7, 8});
  std::vector<std::string> tokens = kTokens;
  tokens.push_back("b▁");
  nlohmann::json across = bpe_json(tokens, {"b ▁", "b c", "a b", "▁ a"});
  CHECK(encode(*load(across), "ab▁ab▁▁a") == Ids{1, 12, 1, 12, 8});
}

TEST_CASE("a long word merges as a short one does") {
  std::vector<std::string> tokens = {"a", "b", "aa", "aaaa", "ab", "aab"};
  auto tokenizer = load(bpe_json(tokens, {"a a", "aa aa", "a b", "aa b"}));
  for (std::size_t length : {3u, 47u, 48u, 49u, 50u, 51u, 500u}) {
    Ids ids(length / 4, 3);
    if (length % 4 >= 2) ids.push_back(2);
    ids.push_back(length % 2 == 1 ? 4 : 1);
    if (length % 4 == 2) {
      ids.pop_back();
      ids.back() = 5;
    }
    CHECK(encode(*tokenizer, std::string(length, 'a') + "b") == ids);
  }
}

TEST_CASE("a line of a megabyte without spaces takes seconds at most") {
  auto tokenizer = load(byte_level_json({"aa", "aaaa", "ab"}, {"a a", "aa aa", "a b"}));
  std::string text;
  for (unsigned i = 0, state = 1; i < 1'000'000; ++i) {
    state = state * 1103515245 + 12345;
    text += (state >> 16) % 3 == 0 ? 'b' : 'a';
  }
  std::clock_t start = std::clock();
  CHECK(tokenizer->decode(encode(*tokenizer, text), false) == text);
  CHECK((std::clock() - start) / CLOCKS_PER_SEC < 20);
}
