#include "lore/text/gguf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "lore/core/utf8.h"
#include "lore/formats/gguf.h"
#include "lore/text/gguf_pre_tokenizer.h"
#include "lore/text/llama_pipeline.h"
#include "lore/text/pipeline_tokenizer.h"

namespace lore {
namespace {

/// Values of tokenizer.ggml.token_type.
enum TokenType : std::int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4 };

/// What the metadata says about the tokenizer.
class Metadata {
 public:
  explicit Metadata(const std::filesystem::path& path)
      : file_(GgufFile::open(path)), subject_(path.string()) {
    model = required(file_.text(key("model")), "model");
    const std::vector<std::string_view>* list = file_.strings(key("tokens"));
    if (list == nullptr || list->empty()) refuse("tokens", "is missing");
    tokens = *list;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (!is_valid_utf8(tokens[i])) refuse("tokens", fmt::format("token {} is not UTF-8", i));
    }
    types = file_.integers(key("token_type")).value_or(std::vector<std::int64_t>(tokens.size(), kNormal));
    if (types.size() != tokens.size())
      refuse("token_type", fmt::format("has {} values for {} tokens", types.size(), tokens.size()));
  }

  std::string key(std::string_view name) const { return fmt::format("tokenizer.ggml.{}", name); }
  const GgufFile& file() const { return file_; }
  const std::string& subject() const { return subject_; }

  [[noreturn]] void refuse(std::string_view name, std::string_view message) const {
    throw Error(ErrorKind::kInput, fmt::format("{}: {}", subject_, key(name)), std::string(message));
  }

  template <typename Value>
  Value required(std::optional<Value> value, std::string_view name) const {
    if (!value) refuse(name, "is missing");
    return *std::move(value);
  }

  std::optional<std::int32_t> id(std::string_view name) const {
    auto value = file_.integer(key(name));
    if (!value) return std::nullopt;
    if (*value == 0xFFFFFFFF) return std::nullopt;  // llama.cpp's "none"
    if (*value < 0 || static_cast<std::uint64_t>(*value) >= tokens.size()) {
      refuse(name, fmt::format("{} is not a token's id", *value));
    }
    return static_cast<std::int32_t>(*value);
  }

  std::string_view model;
  std::vector<std::string_view> tokens;
  std::vector<std::int64_t> types;

 private:
  GgufFile file_;
  std::string subject_;
};

Vocabulary make_vocabulary(const Metadata& metadata) {
  Vocabulary vocabulary;
  std::size_t bytes = 0;
  for (std::string_view token : metadata.tokens) bytes += token.size();
  vocabulary.reserve(metadata.tokens.size(), bytes);
  for (std::size_t i = 0; i < metadata.tokens.size(); ++i) {
    vocabulary.insert(metadata.tokens[i], static_cast<std::int32_t>(i));
  }
  return vocabulary;
}

MergeTable read_merges(const Metadata& metadata, const Vocabulary& vocabulary) {
  const std::vector<std::string_view>* list = metadata.file().strings(metadata.key("merges"));
  if (list == nullptr) metadata.refuse("merges", "is missing");
  MergeTable merges;
  merges.reserve(list->size());
  for (std::size_t rank = 0; rank < list->size(); ++rank) {
    std::string_view text = (*list)[rank];
    std::size_t space = text.find(' ', 1);
    auto id = [&](std::string_view token) {
      auto found = vocabulary.find(token);
      if (!found)
        metadata.refuse("merges", fmt::format("merge {}: the token \"{}\" is not there", rank, token));
      return *found;
    };
    if (space == std::string_view::npos)
      metadata.refuse("merges", fmt::format("merge {} has no space", rank));
    std::string_view left = text.substr(0, space);
    std::string_view right = text.substr(space + 1);
    merges.insert(id(left), id(right),
                  {static_cast<std::uint32_t>(rank), id(std::string(left).append(right))});
  }
  return merges;
}

Pipeline byte_level_pipeline(const Metadata& metadata, const GgufPreTokenizer& how) {
  using nlohmann::json;
  json steps = json::array();
  for (std::string_view pattern : how.patterns) {
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
  Pipeline pipeline;
  if (how.nfc) pipeline.normalizer = make_normalizer({{"type", "NFC"}}, "normalizer");
  Vocabulary vocabulary = make_vocabulary(metadata);
  PreTokenizerPlan plan = make_pre_tokenizer({{"type", "Sequence"}, {"pretokenizers", steps}},
                                             metadata.key("pre"), spells_every_byte(vocabulary));
  pipeline.pre_tokenizer = std::move(plan.step);
  pipeline.decoder = make_token_decoder({{"type", "ByteLevel"}}, "decoder");
  BpeOptions options;
  options.bytes = plan.leaves_bytes;
  options.ignore_merges = how.ignore_merges;
  MergeTable merges = read_merges(metadata, vocabulary);
  pipeline.model = std::make_unique<Bpe>(std::move(vocabulary), std::move(merges), std::move(options));
  return pipeline;
}

/// Ranks by descending score; equal scores share a rank, so that position decides between them.
std::vector<std::uint32_t> ranks_of(const std::vector<float>& scores) {
  std::vector<float> order = scores;
  std::sort(order.begin(), order.end(), std::greater<>());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  std::vector<std::uint32_t> ranks;
  ranks.reserve(scores.size());
  for (float score : scores) {
    ranks.push_back(static_cast<std::uint32_t>(
        std::lower_bound(order.begin(), order.end(), score, std::greater<>()) - order.begin()));
  }
  return ranks;
}

/// sentencepiece's BPE: two neighbours merge when together they are a token; characters that are no tokens
/// take part in it with ids of their own.
Pipeline sentencepiece_pipeline(const Metadata& metadata) {
  std::vector<float> scores = metadata.required(metadata.file().reals(metadata.key("scores")), "scores");
  if (scores.size() != metadata.tokens.size()) {
    metadata.refuse("scores",
                    fmt::format("has {} values for {} tokens", scores.size(), metadata.tokens.size()));
  }
  if (std::any_of(scores.begin(), scores.end(), [](float score) { return std::isnan(score); })) {
    metadata.refuse("scores", "has a NaN");
  }
  std::vector<std::uint32_t> ranks = ranks_of(scores);
  Vocabulary vocabulary = make_vocabulary(metadata);
  BpeOptions options;
  options.byte_fallback = true;
  if (auto unk = metadata.id("unknown_token_id"))
    options.unk_token = std::string(metadata.tokens[static_cast<std::size_t>(*unk)]);
  auto part_id = [&](std::string_view part) -> std::optional<std::int32_t> {
    if (auto id = vocabulary.find(part)) return id;
    std::size_t end = 0;
    next_character(part, end);
    if (end != part.size()) return std::nullopt;
    auto next = static_cast<std::int32_t>(metadata.tokens.size() + options.part_ids.size());
    return options.part_ids.try_emplace(std::string(part), next).first->second;
  };
  MergeTable merges;
  merges.reserve(metadata.tokens.size() * 4);
  for (std::size_t i = 0; i < metadata.tokens.size(); ++i) {
    std::string_view token = metadata.tokens[i];
    if (vocabulary.find(token) != static_cast<std::int32_t>(i))
      continue;  // a later token is spelled the same
    for (std::size_t middle = 0; middle < token.size();) {
      next_character(token, middle);
      if (middle == token.size()) break;
      auto left = part_id(token.substr(0, middle));
      auto right = left ? part_id(token.substr(middle)) : std::nullopt;
      if (right) merges.insert(*left, *right, {ranks[i], static_cast<std::int32_t>(i)});
    }
  }
  bool prefix = metadata.file().boolean(metadata.key("add_space_prefix")).value_or(true);
  Pipeline pipeline = llama_pipeline(SpacePrefix::kEveryPiece, prefix);
  pipeline.model = std::make_unique<Bpe>(std::move(vocabulary), std::move(merges), std::move(options));
  return pipeline;
}

std::vector<AddedToken> added_tokens(const Metadata& metadata) {
  std::vector<AddedToken> added;
  for (std::size_t i = 0; i < metadata.tokens.size(); ++i) {
    std::int64_t type = metadata.types[i];
    if (type != kUnknown && type != kControl && type != kUserDefined) continue;
    added.push_back({std::string(metadata.tokens[i]), false, false, false, false, type != kUserDefined});
  }
  return added;
}

std::string fingerprint(const Metadata& metadata, const std::vector<std::int32_t>& before,
                        const std::vector<std::int32_t>& after, const SpecialTokens& special) {
  Sha256 hash;
  auto add = [&](std::string_view text) { hash.update(fmt::format("{}:{}", text.size(), text)); };
  auto add_all = [&](std::string_view name) {
    const std::vector<std::string_view>* list = metadata.file().strings(metadata.key(name));
    add(fmt::format("{} {}", name, list == nullptr ? 0 : list->size()));
    if (list == nullptr) return;
    for (std::string_view text : *list) add(text);
  };
  add(metadata.model);
  add(metadata.file().text(metadata.key("pre")).value_or(""));
  add_all("tokens");
  add_all("merges");
  for (std::int64_t type : metadata.types) hash.update(fmt::format("{},", type));
  for (float score : metadata.file().reals(metadata.key("scores")).value_or(std::vector<float>())) {
    hash.update(fmt::format("{:a},", score));
  }
  add(fmt::format("{} {} {}", fmt::join(before, ","), fmt::join(after, ","),
                  metadata.file().boolean(metadata.key("add_space_prefix")).value_or(true)));
  for (const auto& [name, token] : special.by_name) add(name + token);
  return hash.hex();
}

SpecialTokens special_tokens(const Metadata& metadata) {
  SpecialTokens special{{},
                        metadata.id("bos_token_id"),
                        metadata.id("eos_token_id"),
                        metadata.id("padding_token_id"),
                        metadata.id("unknown_token_id")};
  auto name = [&](std::string_view key, std::optional<std::int32_t> id) {
    if (id) special.by_name[std::string(key)] = metadata.tokens[static_cast<std::size_t>(*id)];
  };
  name("bos_token", special.bos);
  name("eos_token", special.eos);
  name("pad_token", special.pad);
  name("unk_token", special.unk);
  return special;
}

}  // namespace

std::shared_ptr<const Tokenizer> load_gguf_tokenizer(const std::filesystem::path& path) {
  Metadata metadata(path);
  Pipeline pipeline;
  bool add_bos = true;
  if (metadata.model == "gpt2") {
    GgufPreTokenizer how =
        gguf_pre_tokenizer(metadata.file().text(metadata.key("pre")).value_or(""), path.string());
    add_bos = how.add_bos;
    pipeline = byte_level_pipeline(metadata, how);
  } else if (metadata.model == "llama") {
    pipeline = sentencepiece_pipeline(metadata);
  } else {
    metadata.refuse("model",
                    fmt::format("\"{}\" is not supported; \"gpt2\" and \"llama\" are", metadata.model));
  }
  pipeline.added.add(added_tokens(metadata), pipeline.model->vocabulary());

  SpecialTokens special = special_tokens(metadata);
  auto around = [&](std::string_view name, bool otherwise, std::optional<std::int32_t> id) {
    bool wanted = metadata.file().boolean(metadata.key(name)).value_or(otherwise);
    if (wanted && !id) metadata.refuse(name, "is true, but there is no such token");
    return wanted ? std::vector<std::int32_t>{*id} : std::vector<std::int32_t>{};
  };
  std::vector<std::int32_t> before = around("add_bos_token", add_bos, special.bos);
  std::vector<std::int32_t> after = around("add_eos_token", false, special.eos);
  pipeline.post_processor.add_template(before, after);
  std::string sha256 = fingerprint(metadata, before, after, special);
  return std::make_shared<PipelineTokenizer>(std::move(pipeline), std::move(special), std::move(sha256));
}

}  // namespace lore
