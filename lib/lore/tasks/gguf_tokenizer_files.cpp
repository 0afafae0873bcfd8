#include "lore/tasks/gguf_tokenizer_files.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/gguf.h"
#include "lore/tasks/tokenizer_agreement.h"
#include "lore/text/gguf_pre_tokenizer.h"
#include "lore/text/gguf_tokenizer.h"
#include "lore/text/score_merges.h"
#include "lore/text/tokenizer.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::array kFiles{"tokenizer.json", "tokenizer_config.json", "generation_config.json"};

/// Values of tokenizer.ggml.token_type.
enum TokenType : std::int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5 };

std::string key(std::string_view name) { return fmt::format("tokenizer.ggml.{}", name); }

json added_tokens(const GgufFile& file, const std::vector<std::string_view>& tokens) {
  const auto types = file.integers(key("token_type")).value_or(std::vector<std::int64_t>());
  json added = json::array();
  for (std::size_t i = 0; i < types.size() && i < tokens.size(); ++i) {
    if (types[i] == kUnknown || types[i] == kControl || types[i] == kUserDefined) {
      added.push_back({{"id", i},
                       {"content", tokens[i]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", types[i] != kUserDefined}});
    }
  }
  return added;
}

json pre_tokenizer(const GgufPreTokenizer& how) {
  json steps = json::array();
  for (const std::string_view pattern : how.patterns) {
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  steps.push_back(
      {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

/// What encoding puts around a text: BOS and EOS as the metadata asks; null for nothing.
json post_processor(const GgufFile& file, bool add_bos, const std::vector<std::string_view>& tokens) {
  json special = json::object();
  const auto add_special = [&](json& pieces, const char* flag, bool otherwise, const char* id_key, int type) {
    const auto id = file.integer(key(id_key));
    if (file.boolean(key(flag)).value_or(otherwise) && id) {
      const std::string_view token = tokens.at(static_cast<std::size_t>(*id));
      pieces.push_back({{"SpecialToken", {{"id", token}, {"type_id", type}}}});
      special[std::string(token)] = {{"id", token}, {"ids", {*id}}, {"tokens", {token}}};
    }
  };
  const auto add_sequence = [&](json& pieces, const char* name, int type) {
    add_special(pieces, "add_bos_token", add_bos, "bos_token_id", type);
    pieces.push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
    add_special(pieces, "add_eos_token", false, "eos_token_id", type);
  };
  json single = json::array();
  add_sequence(single, "A", 0);
  json pair = single;
  add_sequence(pair, "B", 1);
  if (special.empty()) {
    return {};
  }
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

/// Ids that were only filled up to the number of embeddings stay without a token.
json vocabulary_of(const GgufFile& file, const std::vector<std::string_view>& tokens) {
  const auto types = file.integers(key("token_type")).value_or(std::vector<std::int64_t>());
  json vocabulary = json::object();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool is_filling = i < types.size() && types[i] == kUnused && tokens[i] == fmt::format("[PAD{}]", i);
    if (!is_filling) {
      vocabulary.emplace(tokens[i], i);
    }
  }
  return vocabulary;
}

json byte_level_json(const GgufFile& file, const GgufPreTokenizer& how,
                     const std::vector<std::string_view>& tokens) {
  const std::vector<std::string_view>* merges = file.strings(key("merges"));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens(file, tokens)},
          {"normalizer", how.nfc ? json{{"type", "NFC"}} : json()},
          {"pre_tokenizer", pre_tokenizer(how)},
          {"post_processor", post_processor(file, how.add_bos, tokens)},
          {"decoder",
           {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", how.ignore_merges},
            {"vocab", vocabulary_of(file, tokens)},
            {"merges", merges != nullptr ? json(*merges) : json::array()}}}};
}

/// Every way to make one token of two, the tokens with the highest scores first, as transformers converts
/// a sentencepiece model. Tokens that no text is merged into have none.
json merges_by_score(const GgufFile& file, const std::vector<std::string_view>& tokens) {
  const std::vector<float> scores = file.reals(key("scores")).value_or(std::vector<float>());
  const auto types = file.integers(key("token_type")).value_or(std::vector<std::int64_t>());
  Vocabulary vocabulary;
  vocabulary.reserve(tokens.size(), tokens.size() * 8);
  std::vector<std::pair<std::string, float>> scored;
  scored.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    vocabulary.insert(tokens[i], static_cast<std::int32_t>(i));
    if (i >= types.size() || types[i] == kNormal) {
      scored.emplace_back(tokens[i], i < scores.size() ? scores[i] : 0);
    }
  }
  json merges = json::array();
  for (const RankedMerge& merge : rank_merges(scored, vocabulary)) {
    merges.push_back(json::array(
        {tokens[static_cast<std::size_t>(merge.left)], tokens[static_cast<std::size_t>(merge.right)]}));
  }
  return merges;
}

/// Llama 2's form: spaces as U+2581, one in front of every stretch of text, bytes for unknown characters.
json sentencepiece_json(const GgufFile& file, const std::vector<std::string_view>& tokens) {
  constexpr const char* kSpace = "\u2581";
  const bool prefix = file.boolean(key("add_space_prefix")).value_or(true);
  json normalizers = json::array();
  json decoders = json::array({{{"type", "Replace"}, {"pattern", {{"String", kSpace}}}, {"content", " "}},
                               {{"type", "ByteFallback"}},
                               {{"type", "Fuse"}}});
  if (prefix) {
    normalizers.push_back({{"type", "Prepend"}, {"prepend", kSpace}});
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  normalizers.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}});
  const auto unknown = file.integer(key("unknown_token_id"));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens(file, tokens)},
          {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
          {"pre_tokenizer", nullptr},
          {"post_processor", post_processor(file, /*add_bos=*/true, tokens)},
          {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", unknown ? json(tokens.at(static_cast<std::size_t>(*unknown))) : json()},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"ignore_merges", false},
            {"vocab", vocabulary_of(file, tokens)},
            {"merges", merges_by_score(file, tokens)}}}};
}

/// tokenizer.json of the vocabulary in `file`. Throws: Error kInput for one that Lore cannot read.
json tokenizer_json(const GgufFile& file, const std::vector<std::string_view>& tokens,
                    const std::string& subject) {
  if (file.text(key("model")).value_or("") == "llama") {
    return sentencepiece_json(file, tokens);
  }
  return byte_level_json(file, gguf_pre_tokenizer(file.text(key("pre")).value_or(""), subject), tokens);
}

/// The ids of the special tokens that the metadata names.
std::map<std::string, std::int64_t> special_ids(const GgufFile& file, std::size_t tokens) {
  std::map<std::string, std::int64_t> ids;
  for (const auto& [name, id_key] :
       {std::pair{"bos_token", "bos_token_id"}, std::pair{"eos_token", "eos_token_id"},
        std::pair{"pad_token", "padding_token_id"}, std::pair{"unk_token", "unknown_token_id"}}) {
    const auto id = file.integer(key(id_key));
    if (id && *id >= 0 && static_cast<std::uint64_t>(*id) < tokens) {
      ids[name] = *id;
    }
  }
  return ids;
}

json tokenizer_config(const GgufFile& file, const std::vector<std::string_view>& tokens) {
  json config{{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  for (const auto& [name, id] : special_ids(file, tokens.size())) {
    config[name] = tokens[static_cast<std::size_t>(id)];
  }
  if (const auto length =
          file.integer(fmt::format("{}.context_length", file.text("general.architecture").value_or("")))) {
    config["model_max_length"] = *length;
  }
  if (const auto chat_template = file.text("tokenizer.chat_template")) {
    config["chat_template"] = *chat_template;
  }
  return config;
}

json generation_config(const GgufFile& file, std::size_t tokens) {
  json config = json::object();
  for (const auto& [name, id] : special_ids(file, tokens)) {
    if (name != "unk_token") {
      config[name + "_id"] = id;
    }
  }
  const auto end_of_turn = file.integer(key("eot_token_id"));
  if (end_of_turn && config.contains("eos_token_id") && config["eos_token_id"] != *end_of_turn) {
    config["eos_token_id"] = json::array({config["eos_token_id"], *end_of_turn});
  }
  return config;
}

}  // namespace

TokenizerFiles write_gguf_tokenizer(const fs::path& gguf, const fs::path& folder) {
  constexpr const char* kAdvice = "copy the tokenizer's files from the model's Hugging Face folder";
  const GgufFile file = GgufFile::open(gguf);
  const std::vector<std::string_view>* tokens = file.strings(key("tokens"));
  const std::string_view model = file.text(key("model")).value_or("");
  if (tokens == nullptr || (model != "gpt2" && model != "llama")) {
    return {
        {},
        fmt::format("tokenizer.json: the vocabulary in {} is neither byte-level BPE nor sentencepiece's, and "
                    "cannot be written; {}",
                    gguf.filename().string(), kAdvice)};
  }
  std::string reason = fmt::format("what {} says of its tokenizer (model \"{}\", pre \"{}\")",
                                   gguf.filename().string(), model, file.text(key("pre")).value_or(""));
  try {
    write_file_atomically(folder / kFiles[0], tokenizer_json(file, *tokens, gguf.string()).dump());
    write_file_atomically(folder / kFiles[1], tokenizer_config(file, *tokens).dump(2) + "\n");
    write_file_atomically(folder / kFiles[2], generation_config(file, tokens->size()).dump(2) + "\n");
    const auto difference = tokenizer_difference(*load_gguf_tokenizer(gguf), *load_tokenizer(folder));
    if (!difference) {
      return {{kFiles.begin(), kFiles.end()}, ""};
    }
    reason += fmt::format(", which would give other ids for {},", in_quotes(difference->text));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) {
      throw;
    }
  } catch (const json::exception&) {
    // Tokens that are not UTF-8 cannot stand in a JSON file.
  } catch (const std::out_of_range&) {
    // An id of a special token that no token has.
  }
  for (const char* name : kFiles) {
    fs::remove(folder / name);
  }
  return {{}, fmt::format("tokenizer.json: {} cannot be written exactly; {}", reason, kAdvice)};
}

}  // namespace lore
