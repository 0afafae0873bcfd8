#include "lore/generate/answer_text.h"

#include "lore/core/utf8.h"
#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

namespace {

/// What is shown of `text`, one token a byte, when these stop strings may end it.
std::string shown(const std::string& text, const std::vector<std::string>& stop) {
  static const TokenizerPointer tokenizer = load(byte_level_json({}, {}));
  lore::AnswerText answer(tokenizer, stop);
  std::string result;
  for (const char byte : text) {
    const std::string piece = answer.push(static_cast<unsigned char>(byte));
    REQUIRE(lore::is_valid_utf8(piece));
    result += piece;
    if (answer.stopped()) {
      return result;
    }
  }
  return result + answer.finish();
}

}  // namespace

TEST_CASE("an answer ends right before a stop string, wherever tokens divide it") {
  CHECK(shown("One.\n\nTwo", {"\n\n"}) == "One.");
  CHECK(shown("阈值是界限。用户：再问", {"用户：", "END"}) == "阈值是界限。");
  CHECK(shown("stop", {"stop"}).empty());
  CHECK(shown("aab", {"ab"}) == "a");
  CHECK(shown("aaab", {"aab"}) == "a");
}

TEST_CASE("the beginning of a stop string that goes on otherwise is shown") {
  CHECK(shown("One.\nTwo \nthree\n!", {"\n\n"}) == "One.\nTwo \nthree\n!");
  CHECK(shown("ends with EN", {"END"}) == "ends with EN");
  CHECK(shown("ababa!", {"abac"}) == "ababa!");
}

TEST_CASE("of several stop strings the one that is complete first ends the answer") {
  CHECK(shown("x abc", {"abc", "b"}) == "x a");
  // The same where one token completes both.
  const TokenizerPointer tokenizer = load(byte_level_json({"abc"}, {}));
  lore::AnswerText answer(tokenizer, {"abc", "b"});
  CHECK(answer.push('x') == "x");
  CHECK(answer.push(256) == "a");
  CHECK(answer.stopped());
}

TEST_CASE("what may be the beginning of a stop string waits for what follows") {
  const TokenizerPointer tokenizer = load(byte_level_json({}, {}));
  lore::AnswerText answer(tokenizer, {"abac"});
  CHECK(answer.push('x') == "x");
  CHECK(answer.push('a').empty());
  CHECK(answer.push('b').empty());
  CHECK(answer.push('a').empty());
  CHECK(answer.push('b') == "ab");
  CHECK(answer.push('!') == "ab!");
  CHECK(answer.push('a').empty());
  CHECK(answer.finish() == "a");
}

TEST_CASE("without stop strings all text is shown as it comes") {
  CHECK(shown("阈值 threshold", {}) == "阈值 threshold");
}
