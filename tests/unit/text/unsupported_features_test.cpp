#include "lore/text/tokenizer_json.h"
#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

namespace {

/// What the loader says about a small tokenizer.json after `change` was merged into it.
std::string refused(const char* change, const nlohmann::json& config = nlohmann::json::object()) {
  nlohmann::json json = byte_level_json({"ab"}, {"a b"});
  json.merge_patch(nlohmann::json::parse(change));
  return refusal([&] { load(json, config); });
}

}  // namespace

TEST_CASE("a feature of tokenizer.json that is not supported is an error that names it") {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"model": {"type": "WordPiece"}})", "models of type WordPiece are not supported"},
      {R"({"model": {"type": "Unigram"}})", "models of type Unigram are not supported"},
      {R"({"model": {"type": "WordLevel"}})", "models of type WordLevel are not supported"},
      {R"({"model": {"dropout": 0.1}})", "\"dropout\" is not supported"},
      {R"({"model": {"continuing_subword_prefix": "##"}})", "\"continuing_subword_prefix\" is not supported"},
      {R"({"model": {"end_of_word_suffix": "</w>"}})", "\"end_of_word_suffix\" is not supported"},
      {R"({"normalizer": {"type": "BertNormalizer"}})", "the normalizer \"BertNormalizer\" is not supported"},
      {R"({"normalizer": {"type": "Precompiled"}})", "the normalizer \"Precompiled\" is not supported"},
      {R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Nmt"}]}})",
       "normalizers[1]: the normalizer \"Nmt\" is not supported"},
      {R"({"pre_tokenizer": {"type": "UnicodeScripts"}})",
       "the pre-tokenizer \"UnicodeScripts\" is not supported"},
      {R"({"pre_tokenizer": {"type": "BertPreTokenizer"}})",
       "the pre-tokenizer \"BertPreTokenizer\" is not supported"},
      {R"({"post_processor": {"type": "BertProcessing"}})",
       "the post-processor \"BertProcessing\" is not supported"},
      {R"({"post_processor": {"type": "RobertaProcessing"}})", "\"RobertaProcessing\" is not supported"},
      {R"({"decoder": {"type": "WordPiece"}})", "the decoder \"WordPiece\" is not supported"},
      {R"({"decoder": {"type": "CTC"}})", "the decoder \"CTC\" is not supported"},
      {R"({"version": "2.0"})", "version 2.0 is not supported"},
  };
  for (const auto& [change, message] : cases) {
    INFO(change);
    CHECK(lacking(refused(change), {"tokenizer.json", message}).empty());
  }
}

TEST_CASE("a pattern whose meaning would differ is refused") {
  auto with_pattern = [](const std::string& pattern) {
    nlohmann::json split = {
        {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
    return refused(nlohmann::json{{"pre_tokenizer", split}}.dump().c_str());
  };
  for (const char* pattern :
       {"[a[bc]]", "[a&&b]", "(?x) a", "\\k<n>", "\\R", "(", "(?<n>a)", "[[:alpha:]]"}) {
    INFO(pattern);
    CHECK(lacking(with_pattern(pattern), {"pre_tokenizer"}).empty());
  }
}

TEST_CASE("a setting of tokenizer_config.json that is not supported is an error that names it") {
  CHECK(lacking(refused("{}", {{"tokenizer_class", "BertTokenizer"}}),
                {"tokenizer_config.json", "BertTokenizer"})
            .empty());
  CHECK(lacking(refused("{}", {{"split_special_tokens", true}}), {"split_special_tokens"}).empty());
}

TEST_CASE("truncation and padding of tokenizer.json change nothing, as in transformers") {
  nlohmann::json json = byte_level_json({"ab"}, {"a b"});
  json["truncation"] = {
      {"direction", "Right"}, {"max_length", 1}, {"strategy", "LongestFirst"}, {"stride", 0}};
  json["padding"] = {{"strategy", {{"Fixed", 8}}}, {"direction", "Right"}, {"pad_id", 0}, {"pad_token", "x"}};
  CHECK(load(json)->encode("abab", true) == Ids{256, 256});
}

TEST_CASE("a damaged tokenizer.json is refused with the place of the damage") {
  CHECK(lacking(refusal([] { lore::read_tokenizer_json(R"({"model": )", "t/tokenizer.json"); }),
                {"t/tokenizer.json: not valid JSON", "(fetch it again): parse error at line 1"})
            .empty());
  CHECK(lacking(refused(R"({"model": {"merges": ["a c"]}})"), {"merges[0]", "\"ac\""}).empty());
  CHECK(lacking(refused(R"({"model": {"merges": ["abc"]}})"), {"merges", "abc"}).empty());
  CHECK(lacking(refused(R"({"model": {"vocab": {"a": 9000000000}}})"), {"vocab", "9000000000"}).empty());
  CHECK(lacking(refused(R"({"model": {"unk_token": "<unk>"}})"), {"unk_token", "<unk>"}).empty());
  CHECK(lacking(refused(R"({"added_tokens": [{"content": "x"}]})"), {"added_tokens[0]"}).empty());
  CHECK(lacking(refused(R"({"model": null})"), {"model"}).empty());
  TemporaryFolder folder;
  write_text(folder / "tokenizer.json", "{\"version\": ");
  CHECK(lacking(refusal([&] { lore::load_tokenizer(folder.path()); }), {"tokenizer.json"}).empty());
  TemporaryFolder empty;
  CHECK(lacking(refusal([&] { lore::load_tokenizer(empty.path()); }), {"neither a tokenizer.json nor"})
            .empty());
}
