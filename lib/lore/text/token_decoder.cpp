#include "lore/text/token_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "lore/core/utf8.h"
#include "lore/text/byte_alphabet.h"
#include "lore/text/json_fields.h"
#include "lore/text/regex.h"
#include "lore/text/regex_field.h"

namespace lore {
namespace {

std::string join(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

class ByteLevelDecoder : public TokenDecoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) {
      std::size_t before = bytes.size();
      for (std::size_t i = 0; i < token.size();) {
        if (auto byte = character_byte(next_character(token, i))) {
          bytes.push_back(static_cast<char>(*byte));
          continue;
        }
        bytes.resize(before);  // not written in the byte alphabet: the token stands for itself
        bytes += token;
        break;
      }
    }
    tokens = {replace_invalid_utf8(bytes)};
  }
};

class ReplaceDecoder : public TokenDecoder {
 public:
  ReplaceDecoder(Regex pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(std::vector<std::string>& tokens) const override {
    std::vector<ByteRange> matches;
    for (std::string& token : tokens) {
      pattern_.find_all(token, matches);
      if (matches.empty()) continue;
      std::string replaced;
      std::size_t copied = 0;
      for (const ByteRange& match : matches) {
        replaced += token.substr(copied, match.begin - copied);
        replaced += content_;
        copied = match.end;
      }
      replaced.append(token, copied);
      token = std::move(replaced);
    }
  }

 private:
  Regex pattern_;
  std::string content_;
};

/// Tokens like <0x61> become bytes. A run of them that is no UTF-8 becomes one U+FFFD for each.
class ByteFallbackDecoder : public TokenDecoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::vector<std::string> decoded;
    std::string bytes;
    auto end_run = [&] {
      if (bytes.empty()) return;
      if (is_valid_utf8(bytes)) {
        decoded.push_back(bytes);
      } else {
        decoded.insert(decoded.end(), bytes.size(), std::string(kReplacementCharacter));
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (auto byte = byte_of(token)) {
        bytes.push_back(static_cast<char>(*byte));
        continue;
      }
      end_run();
      decoded.push_back(std::move(token));
    }
    end_run();
    tokens = std::move(decoded);
  }
  bool joins(std::string_view token) const override { return byte_of(token).has_value(); }

 private:
  static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }

  static std::optional<unsigned char> byte_of(std::string_view token) {
    if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return std::nullopt;
    int low = hex_digit(token[4]);
    int high = token[3] == '+' ? 0 : hex_digit(token[3]);  // Rust's from_str_radix takes a sign
    if (high < 0 || low < 0) return std::nullopt;
    return static_cast<unsigned char>(high * 16 + low);
  }
};

class FuseDecoder : public TokenDecoder {
 public:
  void apply(std::vector<std::string>& tokens) const override { tokens = {join(tokens)}; }
};

/// Takes up to `start` characters `content` off the front of each token and up to `stop` off its end.
class StripDecoder : public TokenDecoder {
 public:
  StripDecoder(char32_t content, std::int64_t start, std::int64_t stop) : start_(start), stop_(stop) {
    append_utf8(content_, content);
  }
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (std::int64_t i = 0; i < start_ && rest.substr(0, content_.size()) == content_; ++i) {
        rest.remove_prefix(content_.size());
      }
      for (std::int64_t i = 0; i < stop_ && rest.size() >= content_.size() &&
                               rest.substr(rest.size() - content_.size()) == content_;
           ++i) {
        rest.remove_suffix(content_.size());
      }
      token = std::string(rest);
    }
  }

 private:
  std::string content_;
  std::int64_t start_;
  std::int64_t stop_;
};

class MetaspaceDecoder : public TokenDecoder {
 public:
  MetaspaceDecoder(char32_t replacement, bool drops_first)
      : replacement_(replacement), drops_first_(drops_first) {}
  void apply(std::vector<std::string>& tokens) const override {
    bool first = true;
    for (std::string& token : tokens) {
      std::string decoded;
      for (std::size_t i = 0; i < token.size();) {
        char32_t c = next_character(token, i);
        if (c != replacement_) {
          append_utf8(decoded, c);
        } else if (!first || !drops_first_) {
          decoded += ' ';
        }
      }
      token = std::move(decoded);
      first = false;
    }
  }

 private:
  char32_t replacement_;
  bool drops_first_;
};

class DecoderSequence : public TokenDecoder {
 public:
  explicit DecoderSequence(std::vector<std::unique_ptr<const TokenDecoder>> steps)
      : steps_(std::move(steps)) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (const auto& step : steps_) step->apply(tokens);
  }
  bool joins(std::string_view token) const override {
    return std::any_of(steps_.begin(), steps_.end(), [&](const auto& step) { return step->joins(token); });
  }

 private:
  std::vector<std::unique_ptr<const TokenDecoder>> steps_;
};

}  // namespace

TokenDecoder::~TokenDecoder() = default;

bool TokenDecoder::joins(std::string_view) const { return false; }

std::unique_ptr<const TokenDecoder> make_token_decoder(const nlohmann::json& description,
                                                       const std::string& subject) {
  if (description.is_null()) return nullptr;
  JsonFields fields(description, subject);
  std::string type = fields.text("type");
  if (type == "ByteLevel") return std::make_unique<ByteLevelDecoder>();
  if (type == "ByteFallback") return std::make_unique<ByteFallbackDecoder>();
  if (type == "Fuse") return std::make_unique<FuseDecoder>();
  if (type == "Replace") return std::make_unique<ReplaceDecoder>(regex_field(fields), fields.text("content"));
  if (type == "Strip") {
    return std::make_unique<StripDecoder>(fields.character("content"), fields.count("start"),
                                          fields.count("stop"));
  }
  if (type == "Metaspace") {
    bool prepends =
        fields.boolean("add_prefix_space", true) && fields.text("prepend_scheme", "always") != "never";
    return std::make_unique<MetaspaceDecoder>(fields.character("replacement"), prepends);
  }
  if (type == "Sequence") {
    auto steps = make_each(fields.array("decoders"), subject + ".decoders", make_token_decoder);
    for (const auto& step : steps) {
      if (step == nullptr) fields.refuse("a step of the sequence is null");
    }
    return std::make_unique<DecoderSequence>(std::move(steps));
  }
  fields.refuse(fmt::format("the decoder \"{}\" is not supported", type));
}

std::string clean_up_spaces(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& [from, to] : kReplacements) {
    if (text.find(from) == std::string::npos) continue;
    std::string replaced;
    std::size_t copied = 0;
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, copied)) {
      replaced.append(text, copied, at - copied);
      replaced += to;
      copied = at + from.size();
    }
    replaced.append(text, copied, std::string::npos);
    text = std::move(replaced);
  }
  return text;
}

}  // namespace lore
