// Ids and ranges are those that tokenizers 0.22.2 and transformers 4.57.6 give for the same files.

#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

using lore::Token;

namespace {

nlohmann::json bos_and_eos() {
  nlohmann::json json = byte_level_json({"Ġa"}, {"Ġ a"});
  json["added_tokens"] = {added_token("<s>", 257), added_token("</s>", 258)};
  return json;
}

nlohmann::json around() {
  return {{"type", "TemplateProcessing"},
          {"single",
           {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
            {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
            {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}}}},
          {"special_tokens",
           {{"<s>", {{"id", "<s>"}, {"ids", {257}}, {"tokens", {"<s>"}}}},
            {"</s>", {{"id", "</s>"}, {"ids", {258}}, {"tokens", {"</s>"}}}}}}};
}

}  // namespace

TEST_CASE("TemplateProcessing puts its tokens around a text when special tokens are wanted") {
  nlohmann::json json = bos_and_eos();
  json["post_processor"] = around();
  auto tokenizer = load(json);
  CHECK(tokenizer->tokenize("b", true) == std::vector<Token>{{257, 0, 0}, {'b', 0, 1}, {258, 0, 0}});
  CHECK(tokenizer->encode("b", false) == Ids{'b'});
  CHECK(tokenizer->encode("", true) == Ids{257, 258});
}

TEST_CASE("ByteLevel trims white space off the ranges, alone or in a Sequence") {
  nlohmann::json json = bos_and_eos();
  nlohmann::json trim = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  json["post_processor"] = trim;
  CHECK(load(json)->tokenize("b a", false) == std::vector<Token>{{'b', 0, 1}, {256, 2, 3}});
  json["post_processor"] = {{"type", "Sequence"}, {"processors", {trim, around()}}};
  CHECK(load(json)->tokenize("b a", true) ==
        std::vector<Token>{{257, 0, 0}, {'b', 0, 1}, {256, 2, 3}, {258, 0, 0}});
}

TEST_CASE("a LlamaTokenizer puts its own tokens around a text, whatever the file says") {
  nlohmann::json json = bos_and_eos();
  json["post_processor"] = around();
  nlohmann::json config = {
      {"tokenizer_class", "LlamaTokenizer"}, {"bos_token", "<s>"}, {"eos_token", "</s>"}};
  CHECK(load(json, config)->encode("b", true) == Ids{257, 'b'});
  config["add_bos_token"] = false;
  config["add_eos_token"] = true;
  CHECK(load(json, config)->encode("b", true) == Ids{'b', 258});
}
