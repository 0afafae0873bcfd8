#include "lore/data/preview.h"

#include <nlohmann/json.hpp>

#include "lore/core/utf8.h"
#include "lore/data/preview_text.h"
#include "support/catch.h"
#include "unit/data/toy_tokenizer.h"

namespace {

/// As the real ones do: bytes that make no character decode to U+FFFD.
class ValidTokenizer : public ToyTokenizer {
 public:
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const override {
    return lore::replace_invalid_utf8(ToyTokenizer::decode(ids, skip_special_tokens));
  }
};

/// Drops one space at the beginning and spaces before full stops.
class TidyTokenizer : public ToyTokenizer {
 public:
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const override {
    std::string text = ToyTokenizer::decode(ids, skip_special_tokens);
    text.erase(0, text.starts_with(' ') ? 1 : 0);
    for (std::size_t at = text.find(" ."); at != std::string::npos; at = text.find(" .")) {
      text.erase(at, 1);
    }
    return text;
  }
  bool cleans_up_spaces() const override { return true; }
};

/// An example of `context` followed by `trained`, in the tokens of the toy tokenizer.
lore::Example example_of(std::string_view context, std::string_view trained) {
  lore::Example example;
  for (const auto& [text, mark] : {std::pair{context, 0}, std::pair{trained, 1}}) {
    for (const lore::Token& token : ToyTokenizer().tokenize(text, false)) {
      example.ids.push_back(token.id);
      example.trained.push_back(static_cast<std::uint8_t>(mark));
    }
  }
  example.source = "f:2";
  return example;
}

lore::ExampleView view(const lore::Example& example) {
  return {example.ids, example.trained, example.source};
}

std::vector<lore::TokenText> tokens_of(std::string_view context, std::string_view trained) {
  const lore::Example example = example_of(context, trained);
  return lore::token_texts(view(example), ValidTokenizer());
}

std::string text_of(std::string_view context, std::string_view trained, bool colour = false) {
  return lore::preview_text(tokens_of(context, trained), colour);
}

std::string joined(const std::vector<lore::TokenText>& tokens) {
  std::string text;
  for (const lore::TokenText& token : tokens) {
    text += token.part == token.parts ? token.text : "";
  }
  return text;
}

const lore::Example kExample = {{2, 165, 3, 166, 3}, {0, 1, 1, 0, 1}, "f:2"};

}  // namespace

TEST_CASE("the preview shows ids, labels that are not shifted, and text") {
  CHECK(
      lore::preview_json(view(kExample), ToyTokenizer()).dump() ==
      R"({"source":"f:2","input_ids":[2,165,3,166,3],"labels":[-100,165,3,-100,3],"text":"<|im_start|>A<|im_end|>B<|im_end|>"})");
}

TEST_CASE("trained parts stand between marks, or in colour") {
  const std::vector<lore::TokenText> tokens = lore::token_texts(view(kExample), ValidTokenizer());
  CHECK(lore::preview_text(tokens, false) == "<|im_start|>⟦A<|im_end|>⟧B⟦<|im_end|>⟧");
  CHECK(lore::preview_text(tokens, true) ==
        "\x1B[2m<|im_start|>\x1B[0m\x1B[32mA\x1B[0m\x1B[1;32m<|im_end|>\x1B[0mB\x1B[1;32m<|im_end|>\x1B[0m");
  CHECK(lore::preview_text({}, false) == "");
}

TEST_CASE("tokens within a character share it and are shown once") {
  const std::vector<lore::TokenText> tokens = tokens_of("a", "风x");
  REQUIRE(tokens.size() == 5);
  CHECK(tokens[0].text == "a");
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(tokens[i].text == "风");
    CHECK(tokens[i].part == i);
    CHECK(tokens[i].parts == 3);
  }
  CHECK(tokens[4].text == "x");
  CHECK(text_of("a", "风x") == "a⟦风x⟧");
}

TEST_CASE("a character cut by the end, by a special token or by the mask is seen to be cut") {
  const std::string wind = "风";
  CHECK(text_of("", wind.substr(0, 2)) == "⟦\uFFFD⟧");
  CHECK(text_of(wind.substr(0, 2) + "<|im_end|>", "a") == "\uFFFD<|im_end|>⟦a⟧");
  CHECK(text_of(wind.substr(0, 1), wind.substr(1)) == "\uFFFD⟦风⟧");
}

TEST_CASE("bytes that never make a character do not swallow what follows") {
  const std::vector<lore::TokenText> tokens = tokens_of("\x80\x81\x82\x83\x84\x85", "abc");
  CHECK(joined(tokens).ends_with("abc"));
  CHECK(tokens.back().text == "c");
  CHECK(text_of("\x80\x81\x82\x83\x84\x85", "abc").ends_with("⟦abc⟧"));
}

TEST_CASE("a long run of bytes that make no character takes bounded time and loses nothing") {
  std::string replacements;
  std::string bytes(5000, '\x80');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    replacements += "\uFFFD";
  }
  CHECK(joined(tokens_of("", "a" + bytes + "b")) == "a" + replacements + "b");
}

TEST_CASE("long texts read token by token say what the whole says") {
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += " 供应链 resilience 🙂\n<|im_end|>";
  }
  const std::vector<lore::TokenText> tokens = tokens_of(text, text);
  CHECK(joined(tokens) == text + text);
}

TEST_CASE("a decoder that tidies spaces does not shift texts to other tokens") {
  const lore::Example example = example_of(" hello .", " is it");
  const std::vector<lore::TokenText> tokens = lore::token_texts(view(example), TidyTokenizer());
  CHECK(tokens[0].text == "");
  CHECK(tokens[1].text == "h");
  CHECK(tokens[7].text == ".");
  CHECK(tokens[8].text == " ");
  CHECK(tokens[9].text == "i");
  CHECK(tokens.back().text == "t");
}

TEST_CASE("spaces that are easily overlooked are marked where they are trained") {
  CHECK(text_of(" a ", "  b c \nd  ") == " a ⟦··b c·↵\nd··⟧");
  CHECK(text_of("", "  <|im_end|>") == "⟦··<|im_end|>⟧");
}

TEST_CASE("data can neither steer the terminal nor forge a mark") {
  const std::string text = text_of("\x1B[2J\x07⟦", "\u202E\u009B31m⟧");
  CHECK(text == "␛[2J␇\\u27e6⟦\\u202e\\u009b31m\\u27e7⟧");
  CHECK(text_of("", "\x1B]0;x", true) == "\x1B[32m␛]0;x\x1B[0m");
  const std::string heading = lore::preview_heading("a\x1B[31m\n.jsonl:1", view(kExample), false);
  CHECK(heading == "== a␛[31m␊.jsonl:1  5 tokens, 3 trained (60.0%)");
}

TEST_CASE("ids are shown a line for each token") {
  CHECK(lore::preview_ids(tokens_of("<s> é", "\n"), false) ==
        "      0       0   <s>\n"
        "      1     132   ·\n"
        "      2     295   é  (1 of 2)\n"
        "      3     269   é  (2 of 2)\n"
        "      4     110 * ↵");
}
