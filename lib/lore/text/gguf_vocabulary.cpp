#include "lore/text/gguf_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/formats/json_file.h"
#include "lore/text/gguf_pre_tokenizer.h"
#include "lore/text/hf_tokenizer.h"
#include "lore/text/pipeline_tokenizer.h"
#include "lore/text/sentencepiece_model.h"
#include "lore/text/tokenizer_json.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

enum TokenType : std::int32_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

constexpr std::string_view kSpace = "\u2581";
/// Of tokens that no merge makes: less than any other, so that they are never made of their parts first.
constexpr float kNoScore = -1e6F;
constexpr std::array<std::string_view, 6> kEndsOfTurn{"<|eot_id|>",    "<|im_end|>", "<|end|>",
                                                      "<end_of_turn>", "<|eom_id|>", "<EOT>"};

[[noreturn]] void refuse(const fs::path& folder, std::string_view part, const std::string& message) {
  throw Error(ErrorKind::kInput, fmt::format("{}: {}", folder.string(), part),
              message + ", and a GGUF file can only name the ways of splitting that llama.cpp knows");
}

/// The steps of a Sequence, or the one step; they point into `step`.
std::vector<const json*> steps_of(const json& step, const char* list) {
  if (step.is_null()) return {};
  if (step.value("type", "") != "Sequence") return {&step};
  std::vector<const json*> steps;
  for (const json& inner : step.at(list)) {
    for (const json* one : steps_of(inner, list)) steps.push_back(one);
  }
  return steps;
}

/// The patterns by which a pre-tokenizer isolates, ByteLevel's own among them.
std::vector<std::string> patterns_of(const json& pre_tokenizer, const fs::path& folder) {
  std::vector<std::string> patterns;
  for (const json* step : steps_of(pre_tokenizer, "pretokenizers")) {
    const std::string type = step->value("type", "");
    if (type == "ByteLevel") {
      if (step->value("use_regex", true)) patterns.emplace_back(gpt2_pattern());
    } else if (type == "Digits") {
      patterns.emplace_back(step->value("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
    } else if (type == "Split" && step->value("behavior", "") == "Isolated" &&
               !step->value("invert", false) && step->at("pattern").contains("Regex")) {
      patterns.push_back(step->at("pattern").at("Regex").get<std::string>());
    } else {
      refuse(folder, "pre_tokenizer", fmt::format("the step {} has no counterpart", step->dump()));
    }
  }
  return patterns;
}

bool is_byte_level(const json& pre_tokenizer) {
  const std::vector<const json*> steps = steps_of(pre_tokenizer, "pretokenizers");
  return std::any_of(steps.begin(), steps.end(),
                     [](const json* step) { return step->value("type", "") == "ByteLevel"; });
}

std::string name_pre_tokenizer(const json& description, const fs::path& folder,
                               std::vector<std::string>& warnings) {
  const json normalizer = description.value("normalizer", json());
  bool nfc = false;
  for (const json* step : steps_of(normalizer, "normalizers")) {
    if (step->value("type", "") != "NFC") {
      refuse(folder, "normalizer", fmt::format("the step {} has no counterpart", step->dump()));
    }
    nfc = true;
  }
  const json pre_tokenizer = description.value("pre_tokenizer", json());
  const std::vector<std::string> patterns = patterns_of(pre_tokenizer, folder);
  const bool ignore_merges = description.at("model").value("ignore_merges", false);
  const auto name = gguf_pre_tokenizer_name(patterns, nfc, ignore_merges);
  if (!name) {
    refuse(
        folder, "pre_tokenizer",
        fmt::format("{}{} is not known", pre_tokenizer.dump(), ignore_merges ? " with ignore_merges" : ""));
  }
  if (gguf_pre_tokenizer(*name, "").nfc != nfc) {
    warnings.push_back(
        fmt::format("{}: llama.cpp does not normalize text to NFC for \"{}\"", folder.string(), *name));
  }
  return std::string(*name);
}

/// What decides the order of sentencepiece's merges.
void fill_scores(GgufVocabulary& vocabulary, const TokenizerJson* parsed, const fs::path& model,
                 const PipelineTokenizer& tokenizer) {
  vocabulary.scores.assign(vocabulary.tokens.size(), kNoScore);
  for (std::size_t id = 0; id < vocabulary.scores.size(); ++id) {
    const std::int32_t type = vocabulary.types[id];
    if (type == kUnknown || type == kControl || type == kByte) vocabulary.scores[id] = 0;
  }
  if (parsed != nullptr) {
    std::string token;
    for (std::size_t rank = parsed->merges.size(); rank-- > 0;) {  // the first of a token's merges counts
      token.assign(parsed->merges[rank].first).append(parsed->merges[rank].second);
      const auto id = tokenizer.vocabulary().find(token);
      if (id && static_cast<std::size_t>(*id) < vocabulary.scores.size()) {
        vocabulary.scores[static_cast<std::size_t>(*id)] = -static_cast<float>(rank);
      }
    }
  }
  if (!fs::exists(model)) return;
  SentencePieceModel pieces;
  try {
    pieces = read_sentencepiece_model(MappedFile::open(model)->text(), model.string());
  } catch (const Error&) {
    if (parsed == nullptr) throw;
    return;  // tokenizer.json is what counts; transformers leaves other files under this name
  }
  bool same = pieces.pieces.size() <= vocabulary.tokens.size();
  for (std::size_t id = 3; same && id < pieces.pieces.size(); ++id) {
    same = vocabulary.types[id] != kNormal || pieces.pieces[id].text == vocabulary.tokens[id];
  }
  for (std::size_t id = 0; same && id < pieces.pieces.size(); ++id) {
    vocabulary.scores[id] = pieces.pieces[id].score;
    if (pieces.pieces[id].type == SentencePiece::Type::kUnused && vocabulary.types[id] == kNormal) {
      vocabulary.types[id] = kUnused;
    }
  }
}

bool is_byte_token(std::string_view token) {
  return token.size() == 6 && token.starts_with("<0x") && token.ends_with('>');
}

void fill_tokens(GgufVocabulary& vocabulary, const PipelineTokenizer& tokenizer, std::int64_t vocab_size,
                 const fs::path& folder, std::vector<std::string>& warnings) {
  const bool has_bytes = vocabulary.model == "llama";
  if (tokenizer.vocabulary().largest_id() >= vocab_size) {
    throw Error(ErrorKind::kInput, folder.string(),
                fmt::format("the tokenizer has ids up to {}, and the model {} embeddings: these are files of "
                            "two models",
                            tokenizer.vocabulary().largest_id(), vocab_size));
  }
  std::set<std::string> seen;
  std::vector<std::int32_t> missing;
  for (std::int32_t id = 0; id < vocab_size; ++id) {
    const AddedToken* added = tokenizer.added().token(id);
    const auto own = tokenizer.vocabulary().token(id);
    std::string text(added != nullptr ? added->content : own.value_or(""));
    std::int32_t type = kNormal;
    if (added == nullptr && !own) {
      type = kUnused;
      missing.push_back(id);
    } else if (id == tokenizer.special_tokens().unk && has_bytes) {
      type = kUnknown;
    } else if (added != nullptr) {
      type = added->special ? kControl : kUserDefined;
      if (added->lstrip || added->rstrip || added->single_word) {
        warnings.push_back(
            fmt::format("{}: llama.cpp does not strip spaces around the token {}, or ask for words around it",
                        folder.string(), added->content));
      }
    } else if (has_bytes && is_byte_token(text)) {
      type = kByte;
    }
    if (type != kUnused && !seen.insert(text).second) {
      throw Error(ErrorKind::kInput, folder.string(), fmt::format("two ids have the token \"{}\"", text));
    }
    vocabulary.tokens.push_back(std::move(text));
    vocabulary.types.push_back(type);
  }
  for (const std::int32_t id : missing) {
    std::string text = fmt::format("[PAD{}]", id);
    while (!seen.insert(text).second) text += '_';
    vocabulary.tokens[static_cast<std::size_t>(id)] = std::move(text);
  }
  for (const auto& [id, token] : tokenizer.added().tokens()) {
    if (id >= vocab_size) {
      warnings.push_back(
          fmt::format("{}: the token {} has the id {}, and the model only {} embeddings: it is "
                      "left out",
                      folder.string(), token.content, id, vocab_size));
    }
  }
}

/// What the tokenizer itself puts around a text.
void fill_around(GgufVocabulary& vocabulary, const PipelineTokenizer& tokenizer, const fs::path& folder) {
  const std::vector<std::int32_t> plain = tokenizer.encode("x", false);
  const std::vector<std::int32_t> whole = tokenizer.encode("x", true);
  const auto found = std::search(whole.begin(), whole.end(), plain.begin(), plain.end());
  const std::vector<std::int32_t> before(whole.begin(), found);
  const std::vector<std::int32_t> after(
      found == whole.end() ? found : found + static_cast<std::ptrdiff_t>(plain.size()), whole.end());
  if (before.size() > 1 || after.size() > 1 ||
      (!before.empty() && vocabulary.bos.value_or(before[0]) != before[0]) ||
      (!after.empty() && vocabulary.eos.value_or(after[0]) != after[0])) {
    throw Error(
        ErrorKind::kInput, folder.string(),
        "the tokenizer puts other tokens around a text than BOS and EOS, which a GGUF file cannot say");
  }
  vocabulary.add_bos = !before.empty();
  vocabulary.add_eos = !after.empty();
  if (vocabulary.add_bos) vocabulary.bos = before[0];
  if (vocabulary.add_eos) vocabulary.eos = after[0];
  const std::string first = plain.empty() ? "" : tokenizer.token_of(plain.front());
  vocabulary.add_space_prefix = first.starts_with(kSpace);
  if (vocabulary.model == "gpt2" && first.starts_with("\u0120")) {
    refuse(folder, "pre_tokenizer", "add_prefix_space has no counterpart");
  }
}

void fill_templates(GgufVocabulary& vocabulary, const fs::path& folder) {
  const auto add = [&](const std::string& name, std::string text) {
    vocabulary.templates.emplace_back(name, std::move(text));
  };
  if (fs::exists(folder / "chat_template.jinja")) {
    add("default", std::string(MappedFile::open(folder / "chat_template.jinja")->text()));
    const fs::path tool_use = folder / "additional_chat_templates" / "tool_use.jinja";
    if (fs::exists(tool_use)) add("tool_use", std::string(MappedFile::open(tool_use)->text()));
    return;
  }
  const fs::path path = folder / "tokenizer_config.json";
  const json config = fs::exists(path) ? read_json_file(path) : json::object();
  const json entry = config.is_object() ? config.value("chat_template", json()) : json();
  if (entry.is_string()) add("default", entry.get<std::string>());
  if (!entry.is_array()) return;
  for (const json& named : entry) {
    if (named.is_object() && named.value("name", json()).is_string() &&
        named.value("template", json()).is_string()) {
      add(named["name"].get<std::string>(), named["template"].get<std::string>());
    }
  }
}

void find_end_of_turn(GgufVocabulary& vocabulary, const std::vector<std::int64_t>& stop_ids) {
  for (const std::int64_t id : stop_ids) {
    if (id < 0 || id >= static_cast<std::int64_t>(vocabulary.tokens.size())) continue;
    const std::string& token = vocabulary.tokens[static_cast<std::size_t>(id)];
    if (std::find(kEndsOfTurn.begin(), kEndsOfTurn.end(), token) != kEndsOfTurn.end() && !vocabulary.eot) {
      vocabulary.eot = static_cast<std::int32_t>(id);
    }
  }
}

void check_sentencepiece_steps(const json& description, const fs::path& folder) {
  const json normalizer = description.value("normalizer", json());
  for (const json* step : steps_of(normalizer, "normalizers")) {
    const std::string type = step->value("type", "");
    if (type != "Prepend" && type != "Replace") {
      refuse(folder, "normalizer", fmt::format("the step {} has no counterpart", step->dump()));
    }
  }
  const json pre_tokenizer = description.value("pre_tokenizer", json());
  for (const json* step : steps_of(pre_tokenizer, "pretokenizers")) {
    if (step->value("type", "") != "Metaspace" || step->value("split", true)) {
      refuse(folder, "pre_tokenizer", fmt::format("the step {} has no counterpart", step->dump()));
    }
  }
}

}  // namespace

void GgufVocabulary::write(GgufMetadata& metadata) const {
  const auto key = [](std::string_view name) { return fmt::format("tokenizer.ggml.{}", name); };
  metadata.text(key("model"), model);
  metadata.text(key("pre"), pre);
  metadata.texts(key("tokens"), tokens);
  if (!scores.empty()) metadata.numbers<float>(key("scores"), scores);
  metadata.numbers<std::int32_t>(key("token_type"), types);
  if (model == "gpt2") metadata.texts(key("merges"), merges);
  for (const auto& [name, id] :
       {std::pair{"bos_token_id", bos}, std::pair{"eos_token_id", eos}, std::pair{"unknown_token_id", unk},
        std::pair{"padding_token_id", pad}, std::pair{"eot_token_id", eot}}) {
    if (id) metadata.number(key(name), static_cast<std::uint32_t>(*id));
  }
  metadata.number(key("add_bos_token"), add_bos);
  metadata.number(key("add_eos_token"), add_eos);
  if (model == "llama") metadata.number(key("add_space_prefix"), add_space_prefix);
  std::vector<std::string> others;
  for (const auto& [name, text] : templates) {
    if (name == "default") {
      metadata.text("tokenizer.chat_template", text);
    } else {
      metadata.text("tokenizer.chat_template." + name, text);
      others.push_back(name);
    }
  }
  if (!others.empty()) metadata.texts("tokenizer.chat_templates", others);
}

GgufVocabulary read_gguf_vocabulary(const fs::path& folder, std::int64_t vocab_size,
                                    const std::vector<std::int64_t>& stop_ids,
                                    std::vector<std::string>& warnings) {
  const auto loaded = load_hf_tokenizer(folder);
  const auto& tokenizer = dynamic_cast<const PipelineTokenizer&>(*loaded);
  const fs::path file = folder / "tokenizer.json";
  std::optional<TokenizerJson> parsed;
  if (fs::exists(file)) parsed = read_tokenizer_json(MappedFile::open(file)->text(), file.string());

  GgufVocabulary vocabulary;
  const bool byte_level =
      parsed && is_byte_level(parsed->description.value("pre_tokenizer", nlohmann::json()));
  vocabulary.model = byte_level ? "gpt2" : "llama";
  vocabulary.pre = byte_level ? name_pre_tokenizer(parsed->description, folder, warnings) : "default";
  if (!byte_level && parsed) {
    if (!parsed->description.at("model").value("byte_fallback", false)) {
      refuse(folder, "model", "a BPE that is neither byte-level nor has byte_fallback has no counterpart");
    }
    check_sentencepiece_steps(parsed->description, folder);
  }
  const SpecialTokens& special = tokenizer.special_tokens();
  const auto within = [&](std::optional<std::int32_t> id) {
    return id && *id < vocab_size ? id : std::nullopt;
  };
  vocabulary.bos = within(special.bos);
  vocabulary.eos = within(special.eos);
  vocabulary.unk = within(special.unk);
  vocabulary.pad = within(special.pad);
  fill_tokens(vocabulary, tokenizer, vocab_size, folder, warnings);
  fill_around(vocabulary, tokenizer, folder);
  if (byte_level) {
    vocabulary.merges.reserve(parsed->merges.size());
    for (const auto& [left, right] : parsed->merges) {
      vocabulary.merges.push_back(fmt::format("{} {}", left, right));
    }
  } else {
    fill_scores(vocabulary, parsed ? &*parsed : nullptr, folder / "tokenizer.model", tokenizer);
  }
  find_end_of_turn(vocabulary, stop_ids);
  fill_templates(vocabulary, folder);
  return vocabulary;
}

}  // namespace lore
