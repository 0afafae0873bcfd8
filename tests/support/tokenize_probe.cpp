// tokenize_probe MODEL [--special] [--offsets | --decode | --bench | --info]
//
// Reads one JSON value a line on standard input and writes one JSON value a line on standard output:
//   by default    a string in, its list of ids out
//   --offsets     a string in, a list of [id, begin, end] out, offsets in bytes
//   --decode      a list of ids in, [text, text without special tokens, text from a StreamDecoder] out
//   --bench       strings in; one object with bytes, tokens, seconds and load_seconds out
//   --info        nothing in; one object with size, sha256 and the named special tokens out

#include <chrono>
#include <cstdint>
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

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

json decode(const std::shared_ptr<const lore::Tokenizer>& tokenizer, const std::vector<std::int32_t>& ids) {
  lore::StreamDecoder stream(tokenizer, false);
  std::string streamed;
  for (std::int32_t id : ids) streamed += stream.push(id);
  streamed += stream.finish();
  return {tokenizer->decode(ids, false), tokenizer->decode(ids, true), streamed};
}

json tokenize(const lore::Tokenizer& tokenizer, const std::string& text, bool special, bool offsets) {
  if (!offsets) return tokenizer.encode(text, special);
  json tokens = json::array();
  for (const lore::Token& token : tokenizer.tokenize(text, special)) {
    tokens.push_back({token.id, token.begin, token.end});
  }
  return tokens;
}

json info(const lore::Tokenizer& tokenizer) {
  auto id = [](std::optional<std::int32_t> value) { return value ? json(*value) : json(); };
  const lore::SpecialTokens& special = tokenizer.special_tokens();
  return {{"size", tokenizer.size()}, {"sha256", tokenizer.sha256()}, {"special", special.by_name},
          {"bos", id(special.bos)},   {"eos", id(special.eos)},       {"pad", id(special.pad)},
          {"unk", id(special.unk)}};
}

int run(const std::vector<std::string>& arguments) {
  bool special = false, offsets = false, decoding = false, bench = false, about = false;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i] == "--special") special = true;
    if (arguments[i] == "--offsets") offsets = true;
    if (arguments[i] == "--decode") decoding = true;
    if (arguments[i] == "--bench") bench = true;
    if (arguments[i] == "--info") about = true;
  }
  auto start = std::chrono::steady_clock::now();
  std::shared_ptr<const lore::Tokenizer> tokenizer = lore::load_tokenizer(arguments.at(0));
  double load_seconds = seconds_since(start);
  if (about) std::cout << info(*tokenizer) << "\n";
  std::vector<std::string> texts;
  for (std::string line; !about && std::getline(std::cin, line);) {
    json value = json::parse(line);
    if (bench) {
      texts.push_back(value.get<std::string>());
    } else if (decoding) {
      std::cout << decode(tokenizer, value.get<std::vector<std::int32_t>>()).dump() << "\n";
    } else {
      std::cout << tokenize(*tokenizer, value.get<std::string>(), special, offsets) << "\n";
    }
  }
  if (!bench) return 0;
  std::size_t bytes = 0, tokens = 0;
  start = std::chrono::steady_clock::now();
  for (const std::string& text : texts) {
    bytes += text.size();
    tokens += tokenizer->encode(text, special).size();
  }
  double seconds = seconds_since(start);
  std::cout << json{{"bytes", bytes},
                    {"tokens", tokens},
                    {"seconds", seconds},
                    {"load_seconds", load_seconds}}
            << "\n";
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count < 2)
      throw std::invalid_argument(
          "usage: tokenize_probe MODEL [--special] [--offsets|--decode|--bench|--info]");
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << "tokenize_probe: " << error.what() << "\n";
    return 3;
  }
}
