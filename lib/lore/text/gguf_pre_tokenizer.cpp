#include "lore/text/gguf_pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// The tool would cut this pattern anew at every run.
// clang-format off
constexpr std::string_view kDeepseekLetters =
    "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ"
    "-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-"
    "ῌῐ-"
    "ΐ"
    "ῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-"
    "ꚛꜢ-"
    "ꝯ"
    "ꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-"
    "𞥃]"
    "+";
// clang-format on

struct Named {
  std::vector<std::string_view> names;
  GgufPreTokenizer how;
};

const std::vector<Named>& table() {
  static const std::vector<Named> rows = {
      {{"gpt-2", "phi-2", "gigachat", "mpt", "olmo", "trillion", "exaone4"}, {{kGpt2}}},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
       {{R"(\p{N})", kGpt2}}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
       {{kLlama3}, false, true, true}},
      {{"dbrx", "smaug-bpe"}, {{kLlama3}}},
      {{"qwen2", "deepseek-r1-qwen", "megrez"}, {{kQwen2}, true}},
      {{"stablelm2", "hunyuan"}, {{kQwen2}}},
      {{"tekken"}, {{kTekken}, false, true, true}},
      {{"deepseek-llm"},
       {{"[\\r\\n]", kDeepseekLetters, R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)", R"(\s+$)",
         R"([一-龥ࠀ-一가-퟿]+)", R"(\p{N}+)"}}},
      {{"deepseek-coder"},
       {{"[\\r\\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", R"([一-龥ࠀ-一가-퟿]+)", R"(\p{N})"}}},
      {{"default", ""}, {{R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, R"(\p{N}+)", "[0-9][0-9][0-9]"}}},
  };
  return rows;
}

}  // namespace

GgufPreTokenizer gguf_pre_tokenizer(std::string_view name, const std::string& subject) {
  for (const Named& row : table()) {
    if (std::find(row.names.begin(), row.names.end(), name) != row.names.end()) return row.how;
  }
  throw Error(
      ErrorKind::kInput, subject,
      fmt::format(
          "tokenizer.ggml.pre \"{}\" is not supported; use the model's folder with its tokenizer.json",
          name));
}

std::optional<std::string_view> gguf_pre_tokenizer_name(std::span<const std::string> patterns, bool nfc,
                                                        bool ignore_merges) {
  std::optional<std::string_view> otherwise;
  for (const Named& row : table()) {
    const bool equal =
        row.how.ignore_merges == ignore_merges &&
        std::equal(row.how.patterns.begin(), row.how.patterns.end(), patterns.begin(), patterns.end());
    if (equal && row.how.nfc == nfc) return row.names.front();
    if (equal && !otherwise) otherwise = row.names.front();
  }
  return otherwise;
}

std::string_view gpt2_pattern() { return kGpt2; }

}  // namespace lore
