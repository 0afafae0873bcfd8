#include "lore/text/hf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/sha256.h"
#include "lore/text/hf_settings.h"
#include "lore/text/json_fields.h"
#include "lore/text/llama_pipeline.h"
#include "lore/text/pipeline_tokenizer.h"
#include "lore/text/score_merges.h"
#include "lore/text/sentencepiece_model.h"
#include "lore/text/tokenizer_json.h"

namespace lore {
namespace {

constexpr std::string_view kJsonName = "tokenizer.json";
constexpr std::string_view kModelName = "tokenizer.model";

BpeOptions read_bpe_options(const JsonFields& model) {
  std::string type = model.text("type", "BPE");
  if (type != "BPE") model.refuse(fmt::format("models of type {} are not supported; BPE is", type));
  if (const nlohmann::json* dropout = model.find("dropout"); dropout != nullptr && *dropout != 0.0) {
    model.refuse("\"dropout\" is not supported");
  }
  for (std::string_view name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.text(name, "").empty()) model.refuse(fmt::format("\"{}\" is not supported", name));
  }
  BpeOptions options;
  options.ignore_merges = model.boolean("ignore_merges", false);
  options.byte_fallback = model.boolean("byte_fallback", false);
  options.fuse_unk = model.boolean("fuse_unk", false);
  if (model.find("unk_token") != nullptr) options.unk_token = model.text("unk_token");
  return options;
}

std::vector<AddedToken> read_added_tokens(const JsonFields& file, HfSettings& settings) {
  if (file.find("added_tokens") == nullptr) return {};
  return make_each(file.array("added_tokens"), file.subject() + ": added_tokens",
                   [&](const nlohmann::json& json, const std::string& subject) {
                     JsonFields fields(json, subject);
                     AddedToken token{fields.text("content"),       fields.boolean("single_word"),
                                      fields.boolean("lstrip"),     fields.boolean("rstrip"),
                                      fields.boolean("normalized"), fields.boolean("special")};
                     settings.adopt(fields.count("id"), token);
                     return token;
                   });
}

/// The pre-tokenizer as PreTrainedTokenizerFast leaves it: its add_prefix_space wins over the file's.
nlohmann::json settle_prefix_space(nlohmann::json pre_tokenizer, const HfSettings& settings) {
  bool byte_level = pre_tokenizer.is_object() && pre_tokenizer.value("type", nlohmann::json()) == "ByteLevel";
  bool takes_none = settings.type == HfTokenizerClass::kLlamaTokenizerFast && !settings.add_prefix_space;
  if (byte_level && !takes_none && !settings.add_prefix_space_is_null) {
    pre_tokenizer["add_prefix_space"] = settings.add_prefix_space.value_or(false);
  }
  return pre_tokenizer;
}

Pipeline pipeline_of_json(TokenizerJson json, HfSettings& settings, const std::string& subject) {
  JsonFields file(json.description, subject);
  if (file.text("version", "1.0") != "1.0")
    file.refuse(fmt::format("version {} is not supported", file.text("version")));
  auto part = [&](std::string_view name) {
    const nlohmann::json* found = file.find(name);
    return found == nullptr ? nlohmann::json() : *found;
  };
  auto place = [&](std::string_view name) { return fmt::format("{}: {}", subject, name); };
  BpeOptions options = read_bpe_options(JsonFields(file.at("model"), place("model")));

  Pipeline pipeline;
  pipeline.normalizer = make_normalizer(part("normalizer"), place("normalizer"));
  bool may_leave_bytes = !options.byte_fallback && spells_every_byte(json.vocabulary);
  PreTokenizerPlan plan = make_pre_tokenizer(settle_prefix_space(part("pre_tokenizer"), settings),
                                             place("pre_tokenizer"), may_leave_bytes);
  pipeline.pre_tokenizer = std::move(plan.step);
  options.bytes = plan.leaves_bytes;
  pipeline.post_processor.add(part("post_processor"), place("post_processor"));
  pipeline.decoder = make_token_decoder(part("decoder"), place("decoder"));
  MergeTable merges = make_merge_table(json, subject);
  std::vector<AddedToken> added = read_added_tokens(file, settings);
  try {
    pipeline.model = std::make_unique<Bpe>(std::move(json.vocabulary), std::move(merges), std::move(options));
  } catch (const Error& error) {
    throw error.within(place("model"));
  }
  pipeline.added.add(added, pipeline.model->vocabulary());
  return pipeline;
}

Pipeline pipeline_of_model(const SentencePieceModel& model, const HfSettings& settings) {
  std::vector<std::pair<std::string, float>> scored;
  std::vector<AddedToken> added;
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const SentencePiece& piece = model.pieces[id];
    bool control = piece.type == SentencePiece::Type::kControl;
    if (control || piece.type == SentencePiece::Type::kUserDefined) {
      added.push_back({piece.text, false, false, false, false, control});
    }
    scored.emplace_back(piece.text, piece.score);
    if (id > 2) continue;  // the converter takes these three from the slow tokenizer, without a score
    scored.back().second = 0;
    auto given = settings.added_tokens.find(static_cast<std::int64_t>(id));
    if (given != settings.added_tokens.end()) scored.back().first = given->second.content;
  }
  Vocabulary vocabulary;
  vocabulary.reserve(scored.size(), scored.size() * 8);
  for (std::size_t id = 0; id < scored.size(); ++id)
    vocabulary.insert(scored[id].first, static_cast<std::int32_t>(id));
  MergeTable merges = ranked_merges(scored, vocabulary);

  BpeOptions options;
  options.byte_fallback = true;
  options.fuse_unk = true;
  options.unk_token = model.unk_piece;
  bool prefix = settings.add_prefix_space.value_or(!settings.add_prefix_space_is_null);
  Pipeline pipeline =
      llama_pipeline(settings.legacy ? SpacePrefix::kEveryPiece : SpacePrefix::kFirstPiece, prefix);
  pipeline.model = std::make_unique<Bpe>(std::move(vocabulary), std::move(merges), std::move(options));
  pipeline.added.add(added, pipeline.model->vocabulary());
  return pipeline;
}

/// Adds what the configuration names and the vocabulary lacks, as PreTrainedTokenizerFast.__init__ does.
void add_named_tokens(Pipeline& pipeline, const HfSettings& settings) {
  std::vector<HfSpecialToken> specials;
  auto add_special = [&](const HfSpecialToken& token) {
    bool seen = std::any_of(specials.begin(), specials.end(),
                            [&](const auto& s) { return s.content == token.content; });
    if (!seen) specials.push_back(token);
  };
  for (const auto& [name, token] : settings.special_tokens) add_special(token);
  for (const HfSpecialToken& token : settings.additional_special_tokens) add_special(token);

  std::vector<AddedToken> wanted;
  auto wants = [&](std::string_view content) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const AddedToken& t) { return t.content == content; });
  };
  for (const auto& [id, token] : settings.added_tokens) {
    auto there = pipeline.added.find_id(token.content);
    if (!there || *pipeline.added.token(*there) != token) wanted.push_back(token);
  }
  for (const HfSpecialToken& token : specials) {
    if (token.token) {
      wanted.push_back(*token.token);
    } else if (!pipeline.added.find_id(token.content) && !wants(token.content)) {
      wanted.push_back({token.content, false, false, false, false, true});
    }
  }
  for (AddedToken& token : wanted) {
    token.special = token.special || std::any_of(specials.begin(), specials.end(),
                                                 [&](const auto& s) { return s.content == token.content; });
  }
  pipeline.added.add(wanted, pipeline.model->vocabulary());
}

SpecialTokens name_special_tokens(const Pipeline& pipeline, const HfSettings& settings) {
  SpecialTokens tokens;
  auto id = [&](std::string_view name) -> std::optional<std::int32_t> {
    const HfSpecialToken* token = settings.find(name);
    return token == nullptr ? std::nullopt : pipeline.added.find_id(token->content);
  };
  for (const auto& [name, token] : settings.special_tokens) tokens.by_name[name] = token.content;
  tokens.bos = id("bos_token");
  tokens.eos = id("eos_token");
  tokens.pad = id("pad_token");
  tokens.unk = id("unk_token");
  return tokens;
}

/// LlamaTokenizerFast.update_post_processor.
void use_llama_template(Pipeline& pipeline, const SpecialTokens& tokens, const HfSettings& settings,
                        const std::string& subject) {
  auto wanted = [&](bool add, std::optional<std::int32_t> id, std::string_view name) {
    if (add && !id)
      throw Error(ErrorKind::kInput, subject, fmt::format("add_{0} is true, but {0} is null", name));
    return add ? std::vector<std::int32_t>{*id} : std::vector<std::int32_t>{};
  };
  pipeline.post_processor = PostProcessor();
  pipeline.post_processor.add_template(wanted(settings.add_bos_token, tokens.bos, "bos_token"),
                                       wanted(settings.add_eos_token, tokens.eos, "eos_token"));
}

bool is_llama(const HfSettings& settings) { return settings.type == HfTokenizerClass::kLlamaTokenizerFast; }

/// The vocabulary file of a folder: tokenizer.json, unless a LlamaTokenizer is to be made anew.
std::filesystem::path vocabulary_file(const std::filesystem::path& folder, const HfSettings& settings) {
  bool anew = is_llama(settings) && settings.add_prefix_space && std::filesystem::exists(folder / kModelName);
  return folder / (std::filesystem::exists(folder / kJsonName) && !anew ? kJsonName : kModelName);
}

Pipeline read_pipeline(const MappedFile& file, HfSettings& settings) {
  std::string subject = file.path().string();
  if (file.path().extension() == ".json") {
    return pipeline_of_json(read_tokenizer_json(file.text(), subject), settings, subject);
  }
  if (!is_llama(settings)) {
    throw Error(ErrorKind::kInput, subject,
                "a sentencepiece model is read for the tokenizer_class LlamaTokenizer alone");
  }
  mark_as_slow_llama(settings);
  return pipeline_of_model(read_sentencepiece_model(file.text(), subject), settings);
}

}  // namespace

std::shared_ptr<const Tokenizer> load_hf_tokenizer(const std::filesystem::path& path) {
  bool is_folder = std::filesystem::is_directory(path);
  std::filesystem::path folder = is_folder ? path : path.parent_path();
  bool has_json = std::filesystem::exists(folder / kJsonName);
  if (is_folder && !has_json && !std::filesystem::exists(folder / kModelName)) {
    throw Error(ErrorKind::kInput, folder.string(),
                "there is neither a tokenizer.json nor a tokenizer.model; copy one of them into the folder");
  }
  HfSettings settings = read_hf_settings(
      folder, has_json ? HfTokenizerClass::kPreTrainedTokenizerFast : HfTokenizerClass::kLlamaTokenizerFast);
  auto file = MappedFile::open(is_folder ? vocabulary_file(folder, settings) : path);

  Pipeline pipeline = read_pipeline(*file, settings);
  pipeline.clean_up_spaces = settings.clean_up_tokenization_spaces;
  add_named_tokens(pipeline, settings);
  SpecialTokens tokens = name_special_tokens(pipeline, settings);
  if (is_llama(settings)) use_llama_template(pipeline, tokens, settings, file->path().string());

  Sha256 hash;
  hash.update(file->text());
  hash.update(settings.fingerprint());
  return std::make_shared<PipelineTokenizer>(std::move(pipeline), std::move(tokens), hash.hex());
}

}  // namespace lore
