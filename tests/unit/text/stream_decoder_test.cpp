#include "lore/text/stream_decoder.h"

#include "lore/core/utf8.h"
#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

namespace {

/// What comes out token by token; each part must be whole characters.
std::string streamed(const TokenizerPointer& tokenizer, const Ids& ids, bool skip_special_tokens) {
  lore::StreamDecoder stream(tokenizer, skip_special_tokens);
  std::string text;
  auto take = [&](const std::string& part) {
    REQUIRE(lore::is_valid_utf8(part));
    text += part;
  };
  for (std::int32_t id : ids) take(stream.push(id));
  take(stream.finish());
  return text;
}

void check_all(const TokenizerPointer& tokenizer, const Ids& ids) {
  for (bool skip : {false, true}) {
    INFO("tokens " << nlohmann::json(ids).dump() << ", skip " << skip);
    CHECK(streamed(tokenizer, ids, skip) == tokenizer->decode(ids, skip));
  }
}

/// All sequences of `length` of the ids.
void check_sequences(const TokenizerPointer& tokenizer, const Ids& ids, std::size_t length) {
  std::size_t count = 1;
  for (std::size_t i = 0; i < length; ++i) count *= ids.size();
  for (std::size_t number = 0; number < count; ++number) {
    Ids sequence;
    for (std::size_t rest = number; sequence.size() < length; rest /= ids.size()) {
      sequence.push_back(ids[rest % ids.size()]);
    }
    for (bool skip : {false, true}) {
      if (streamed(tokenizer, sequence, skip) != tokenizer->decode(sequence, skip))
        check_all(tokenizer, sequence);
    }
  }
}

nlohmann::json byte_level_with_end() {
  nlohmann::json json = byte_level_json({}, {});
  json["added_tokens"] = {added_token("<end>", 256)};
  return json;
}

/// <0x00> to <0xFF>, ids 0 to 255, then a few words.
TokenizerPointer byte_fallback() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    const char* digits = "0123456789ABCDEF";
    tokens.push_back(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
  }
  for (const char* word : {"▁", "▁a", "你", "▁▁"}) tokens.emplace_back(word);
  nlohmann::json json = bpe_json(tokens, {});
  json["decoder"] = nlohmann::json::parse(R"({"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})");
  json["added_tokens"] = {added_token("<end>", 260)};
  return load(json);
}

}  // namespace

TEST_CASE("a character comes out when its last byte does") {
  auto tokenizer = load(byte_level_with_end());
  lore::StreamDecoder stream(tokenizer);
  CHECK(stream.push(0xE4).empty());
  CHECK(stream.push(0xBD).empty());
  CHECK(stream.push(0xA0) == "你");
  CHECK(stream.push(256).empty());
  CHECK(stream.push('a') == "a");
  CHECK(stream.push(0xF0).empty());
  CHECK(stream.finish() == "\uFFFD");
}

TEST_CASE("text of several languages, emoji and special tokens streams exactly") {
  auto bytes = load(byte_level_with_end());
  auto fallback = byte_fallback();
  std::string text = "风控阈值 👩‍👩‍👧‍👦<end> naïve\n\n\tÅ\u0301\uFFFD 😀";
  for (int i = 0; i < 4; ++i) text += text;
  check_all(bytes, bytes->encode(text, false));
  Ids ids;
  for (char byte : text) ids.push_back(static_cast<unsigned char>(byte));
  check_all(fallback, ids);
}

TEST_CASE("tokens that make no UTF-8 stream as they decode") {
  check_sequences(load(byte_level_with_end()), {0xE4, 0xBD, 0xA0, 0xF0, 'a', ' ', 256, 900}, 5);
  check_sequences(byte_fallback(), {0xE4, 0xBD, 0xA0, 'a', 256, 258, 260, 900}, 5);
}

TEST_CASE("a long stream of random tokens is exact") {
  auto bytes = load(byte_level_with_end());
  auto fallback = byte_fallback();
  unsigned state = 7;
  Ids ids;
  for (int i = 0; i < 3000; ++i) {
    state = state * 1103515245 + 12345;
    ids.push_back(static_cast<std::int32_t>((state >> 16) % 261));
  }
  check_all(bytes, ids);
  check_all(fallback, ids);
}

TEST_CASE("a stream that cleans up spaces gives what decode cleans up") {
  auto tokenizer = load(byte_level_json({"Ġ'", "n't"}, {}), {{"clean_up_tokenization_spaces", true}});
  check_sequences(tokenizer, {' ', '\'', 'm', 'a', '.', 257}, 6);
  check_sequences(tokenizer, {' ', '\'', 's', 'v', 'e', 256}, 6);
}
