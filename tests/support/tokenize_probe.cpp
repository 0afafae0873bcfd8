// tokenize_probe MODEL [--bench]
//
// Reads one JSON value a line on standard input and writes one JSON value a line on standard output:
//   a string, of which each character is one byte of a text (U+0000 to U+00FF)
//               {"ids": ids without special tokens, "tokens": [id, begin, end, ...] with them}
//   a list of ids
//               [text, text without special tokens, text from a StreamDecoder, the same without special
//               tokens]
//   null        size, sha256 and the named special tokens
// With --bench all values are strings, and one object comes out: bytes, tokens, and the processor
// time of one thread, seconds and load_seconds.

#include <cstdint>
#include <ctime>
#include <exception>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lore/text/stream_decoder.h"
#include "lore/text/tokenizer.h"

namespace {

using nlohmann::json;
using TokenizerPointer = std::shared_ptr<const lore::Tokenizer>;

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// The bytes that the characters of `text`, all below U+0100, stand for.
std::string bytes_of(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto lead = static_cast<unsigned char>(text[i]);
    if (lead >= 0x80) lead = static_cast<unsigned char>((lead & 3u) << 6 | (text[++i] & 0x3F));
    bytes.push_back(static_cast<char>(lead));
  }
  return bytes;
}

std::string stream(const TokenizerPointer& tokenizer, const std::vector<std::int32_t>& ids, bool skip) {
  lore::StreamDecoder decoder(tokenizer, skip);
  std::string text;
  for (std::int32_t id : ids) text += decoder.push(id);
  return text + decoder.finish();
}

json decode(const TokenizerPointer& tokenizer, const std::vector<std::int32_t>& ids) {
  return {tokenizer->decode(ids, false), tokenizer->decode(ids, true), stream(tokenizer, ids, false),
          stream(tokenizer, ids, true)};
}

json encode(const lore::Tokenizer& tokenizer, const std::string& text) {
  json tokens = json::array();
  for (const lore::Token& token : tokenizer.tokenize(text, true)) {
    tokens.insert(tokens.end(), {token.id, token.begin, token.end});
  }
  return {{"ids", tokenizer.encode(text, false)}, {"tokens", tokens}};
}

json info(const lore::Tokenizer& tokenizer) {
  auto id = [](std::optional<std::int32_t> value) { return value ? json(*value) : json(); };
  const lore::SpecialTokens& special = tokenizer.special_tokens();
  return {{"size", tokenizer.size()}, {"sha256", tokenizer.sha256()}, {"special", special.by_name},
          {"bos", id(special.bos)},   {"eos", id(special.eos)},       {"pad", id(special.pad)},
          {"unk", id(special.unk)}};
}

json bench(const lore::Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  std::size_t bytes = 0, tokens = 0;
  double start = processor_seconds();
  for (const std::string& text : texts) {
    bytes += text.size();
    tokens += tokenizer.encode(text, false).size();
  }
  return {{"bytes", bytes}, {"tokens", tokens}, {"seconds", processor_seconds() - start}};
}

void run(const std::vector<std::string>& arguments) {
  double start = processor_seconds();
  TokenizerPointer tokenizer = lore::load_tokenizer(arguments.at(0));
  double load_seconds = processor_seconds() - start;
  bool benching = arguments.size() > 1 && arguments[1] == "--bench";
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) {
    json value = json::parse(line);
    if (benching) {
      texts.push_back(bytes_of(value.get<std::string>()));
    } else if (value.is_string()) {
      std::cout << encode(*tokenizer, bytes_of(value.get<std::string>())) << "\n";
    } else if (value.is_array()) {
      std::cout << decode(tokenizer, value.get<std::vector<std::int32_t>>()) << "\n";
    } else {
      std::cout << info(*tokenizer) << "\n";
    }
  }
  if (!benching) return;
  json result = bench(*tokenizer, texts);
  result["load_seconds"] = load_seconds;
  std::cout << result << "\n";
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count < 2) throw std::invalid_argument("usage: tokenize_probe MODEL [--bench]");
    run({arguments + 1, arguments + count});
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "tokenize_probe: " << error.what() << "\n";
    return 3;
  }
}
