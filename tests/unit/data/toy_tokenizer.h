#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "lore/text/tokenizer.h"

/// A tokenizer for tests: special tokens by name, every other byte a token of its own.
class ToyTokenizer : public lore::Tokenizer {
 public:
  static constexpr std::int32_t kFirstByte = 100;
  static constexpr std::array<std::string_view, 7> kSpecial = {
      "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eom_id|>", "<|call|>", "<|eot_id|>"};

  explicit ToyTokenizer(bool adds_bos = false, bool adds_eos = false)
      : adds_bos_(adds_bos), adds_eos_(adds_eos) {
    special_tokens_.by_name = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
    special_tokens_.bos = 0;
    special_tokens_.eos = 1;
    // As many models have it: what pads is what ends.
    special_tokens_.pad = 1;
  }

  std::vector<lore::Token> tokenize(std::string_view text, bool add_special_tokens) const override {
    std::vector<lore::Token> tokens;
    if (add_special_tokens && adds_bos_) {
      tokens.push_back({0, 0, 0});
    }
    for (std::size_t at = 0; at < text.size();) {
      std::size_t length = 1;
      std::int32_t id = kFirstByte + static_cast<unsigned char>(text[at]);
      for (std::size_t i = 0; i < kSpecial.size(); ++i) {
        if (text.substr(at).starts_with(kSpecial[i])) {
          id = static_cast<std::int32_t>(i);
          length = kSpecial[i].size();
        }
      }
      tokens.push_back({id, at, at + length});
      at += length;
    }
    if (add_special_tokens && adds_eos_) {
      tokens.push_back({1, text.size(), text.size()});
    }
    return tokens;
  }

  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const override {
    std::string text;
    for (const std::int32_t id : ids) {
      if (!is_special(id) || !skip_special_tokens) {
        text += token_of(id);
      }
    }
    return text;
  }

  std::int64_t size() const override { return 400; }
  std::optional<std::int32_t> id_of(std::string_view token) const override {
    const auto tokens = tokenize(token, false);
    return tokens.size() == 1 ? std::optional(tokens[0].id) : std::nullopt;
  }
  std::string token_of(std::int32_t id) const override {
    return is_special(id) ? std::string(kSpecial[static_cast<std::size_t>(id)])
                          : std::string(1, static_cast<char>(id - kFirstByte));
  }
  bool is_special(std::int32_t id) const override { return id < static_cast<std::int32_t>(kSpecial.size()); }
  bool cleans_up_spaces() const override { return false; }

 private:
  bool adds_bos_;
  bool adds_eos_;
};
