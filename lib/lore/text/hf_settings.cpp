#include "lore/text/hf_settings.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/formats/json_file.h"
#include "lore/text/json_fields.h"

namespace lore {
namespace {

constexpr std::array<std::string_view, 7> kSpecialTokenNames = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

AddedToken read_added_token(const nlohmann::json& json, const std::string& subject) {
  JsonFields fields(json, subject);
  AddedToken token;
  token.content = fields.text("content");
  token.single_word = fields.boolean("single_word", false);
  token.lstrip = fields.boolean("lstrip", false);
  token.rstrip = fields.boolean("rstrip", false);
  token.special = fields.boolean("special", false);
  token.normalized = fields.boolean("normalized", !token.special);
  return token;
}

HfSpecialToken read_special_token(const nlohmann::json& json, const std::string& subject) {
  if (json.is_string()) return {json.get<std::string>(), std::nullopt, true};
  AddedToken token = read_added_token(json, subject);
  return {token.content, token, true};
}

std::optional<nlohmann::json> read_if_there(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_json_file(path);
}

std::optional<HfTokenizerClass> class_of_name(std::string name) {
  constexpr std::string_view kFast = "Fast";
  if (name.size() > kFast.size() && name.substr(name.size() - kFast.size()) == kFast) {
    name.resize(name.size() - kFast.size());
  }
  if (name == "PreTrainedTokenizer" || name == "TokenizersBackend")
    return HfTokenizerClass::kPreTrainedTokenizerFast;
  if (name == "LlamaTokenizer") return HfTokenizerClass::kLlamaTokenizerFast;
  if (name == "Qwen2Tokenizer") return HfTokenizerClass::kQwen2TokenizerFast;
  if (name == "GPT2Tokenizer") return HfTokenizerClass::kGpt2TokenizerFast;
  return std::nullopt;
}

HfTokenizerClass class_of_model(std::string_view model_type) {
  if (model_type == "llama" || model_type == "mistral") return HfTokenizerClass::kLlamaTokenizerFast;
  if (model_type == "qwen2" || model_type == "qwen3") return HfTokenizerClass::kQwen2TokenizerFast;
  if (model_type == "gpt2") return HfTokenizerClass::kGpt2TokenizerFast;
  return HfTokenizerClass::kPreTrainedTokenizerFast;
}

/// Builds HfSettings from the files of one folder.
class SettingsReader {
 public:
  SettingsReader(const std::filesystem::path& folder, HfTokenizerClass otherwise) : folder_(folder) {
    settings_.type = otherwise;
  }

  HfSettings read() {
    auto config = read_if_there(folder_ / "tokenizer_config.json");
    subject_ = (folder_ / "tokenizer_config.json").string();
    nlohmann::json init = config ? *config : nlohmann::json::object();
    JsonFields fields(init, subject_);
    choose_class(fields);
    read_flags(fields);
    settings_.has_added_tokens_decoder = init.contains("added_tokens_decoder");
    if (settings_.has_added_tokens_decoder) {
      read_added_tokens_decoder(fields);
    } else {
      read_special_tokens_map(init);
      read_added_tokens_file(init);
    }
    read_special_tokens(JsonFields(init, subject_));
    return std::move(settings_);
  }

 private:
  void choose_class(const JsonFields& fields) {
    std::string name = fields.text("tokenizer_class", "");
    std::string place = subject_;
    if (name.empty()) {
      auto model = read_if_there(folder_ / "config.json");
      if (!model) return;
      JsonFields model_fields(*model, (folder_ / "config.json").string());
      place = model_fields.subject();
      name = model_fields.text("tokenizer_class", "");
      if (name.empty()) settings_.type = class_of_model(model_fields.text("model_type", ""));
    }
    if (name.empty()) return;
    auto type = class_of_name(name);
    if (!type) {
      throw Error(
          ErrorKind::kInput, place,
          fmt::format("the tokenizer_class \"{}\" is not supported (PreTrainedTokenizerFast, LlamaTokenizer, "
                      "Qwen2Tokenizer and GPT2Tokenizer are)",
                      name));
    }
    settings_.type = *type;
  }

  void read_flags(const JsonFields& fields) {
    settings_.add_bos_token = fields.boolean("add_bos_token", true);
    settings_.add_eos_token = fields.boolean("add_eos_token", false);
    settings_.legacy = fields.boolean("legacy", true);
    settings_.clean_up_tokenization_spaces = fields.boolean("clean_up_tokenization_spaces", false);
    if (fields.find("add_prefix_space") != nullptr) {
      settings_.add_prefix_space = fields.boolean("add_prefix_space");
    } else {
      settings_.add_prefix_space_is_null = fields.names("add_prefix_space");
    }
    for (std::string_view name : {"split_special_tokens", "fix_mistral_regex"}) {
      if (fields.boolean(name, false)) fields.refuse(fmt::format("\"{}\" is not supported", name));
    }
  }

  void read_added_tokens_decoder(const JsonFields& fields) {
    JsonFields decoder(fields.at("added_tokens_decoder"), subject_ + ": added_tokens_decoder");
    for (const auto& [key, value] : fields.at("added_tokens_decoder").items()) {
      std::int64_t id = 0;
      bool digits =
          !key.empty() && key.size() < 10 && key.find_first_not_of("0123456789") == std::string::npos;
      if (!digits) decoder.refuse(fmt::format("\"{}\" is no id", key));
      for (char digit : key) id = id * 10 + (digit - '0');
      settings_.added_tokens[id] = read_added_token(value, fmt::format("{}.{}", decoder.subject(), key));
    }
  }

  /// special_tokens_map.json overrides tokenizer_config.json; its objects are special tokens.
  void read_special_tokens_map(nlohmann::json& init) {
    std::filesystem::path path = folder_ / "special_tokens_map.json";
    auto map = read_if_there(path);
    if (!map) return;
    JsonFields fields(*map, path.string());
    for (auto& [key, value] : map->items()) {
      if (value.is_object()) value["special"] = true;
      if (key == "additional_special_tokens" && value.is_array()) {
        nlohmann::json all = init.value(key, nlohmann::json());
        if (!all.is_array()) all = nlohmann::json::array();
        for (nlohmann::json& token : value) {
          if (token.is_object()) token["special"] = true;
          all.push_back(token);
        }
        value = all;
      }
      init[key] = value;
    }
  }

  void read_added_tokens_file(const nlohmann::json& init) {
    std::filesystem::path path = folder_ / "added_tokens.json";
    auto tokens = read_if_there(path);
    if (!tokens) return;
    JsonFields fields(*tokens, path.string());
    for (const auto& [content, id] : tokens->items()) {
      AddedToken token;
      token.content = content;
      token.special = names_as_special(init, content);
      token.normalized = !token.special;
      settings_.added_tokens[fields.count(content)] = token;
    }
  }

  static bool names_as_special(const nlohmann::json& init, const std::string& content) {
    auto is_it = [&](const nlohmann::json& value) {
      return value == content || (value.is_object() && value.value("content", nlohmann::json()) == content);
    };
    for (std::string_view name : kSpecialTokenNames) {
      auto value = init.find(std::string(name));
      if (value != init.end() && is_it(*value)) return true;
    }
    auto additional = init.find("additional_special_tokens");
    if (additional == init.end() || !additional->is_array()) return false;
    for (const nlohmann::json& value : *additional) {
      if (is_it(value)) return true;
    }
    return false;
  }

  /// What the class's constructor falls back on when a special token is not named at all.
  std::optional<std::string_view> default_token(std::string_view name) const {
    bool bos = name == "bos_token";
    bool eos = name == "eos_token";
    bool unk = name == "unk_token";
    bool pad = name == "pad_token";
    switch (settings_.type) {
      case HfTokenizerClass::kLlamaTokenizerFast:
        if (bos) return "<s>";
        if (eos) return "</s>";
        if (unk) return "<unk>";
        break;
      case HfTokenizerClass::kQwen2TokenizerFast:
        if (eos || unk || pad) return "<|endoftext|>";
        break;
      case HfTokenizerClass::kGpt2TokenizerFast:
        if (bos || eos || unk) return "<|endoftext|>";
        break;
      case HfTokenizerClass::kPreTrainedTokenizerFast:
        break;
    }
    return std::nullopt;
  }

  void read_special_tokens(const JsonFields& init) {
    auto by_content = [&](HfSpecialToken& value) {
      for (const auto& [id, token] : settings_.added_tokens) {
        if (token.content == value.content) value.token = token;
      }
    };
    for (std::string_view name : kSpecialTokenNames) {
      HfSpecialToken value;
      if (const nlohmann::json* given = init.find(name)) {
        value = read_special_token(*given, fmt::format("{}: {}", subject_, name));
        by_content(value);
      } else if (!init.names(name)) {
        value.content = default_token(name).value_or("");
      }
      if (value.content.empty()) continue;
      bool qwen = settings_.type == HfTokenizerClass::kQwen2TokenizerFast &&
                  (name == "bos_token" || name == "eos_token" || name == "unk_token" || name == "pad_token");
      if (qwen && !value.token) value.token = AddedToken{value.content, false, false, false, false, true};
      settings_.special_tokens.emplace_back(name, std::move(value));
    }
    if (init.find("additional_special_tokens") == nullptr) return;
    std::string subject = subject_ + ": additional_special_tokens";
    settings_.additional_special_tokens =
        make_each(init.array("additional_special_tokens"), subject, read_special_token);
  }

  std::filesystem::path folder_;
  std::string subject_;
  HfSettings settings_;
};

}  // namespace

const HfSpecialToken* HfSettings::find(std::string_view name) const {
  for (const auto& [key, value] : special_tokens) {
    if (key == name) return &value;
  }
  return nullptr;
}

void HfSettings::adopt(std::int64_t id, const AddedToken& token) {
  if (has_added_tokens_decoder) return;
  added_tokens[id] = token;
  for (auto& [name, special] : special_tokens) {
    if (special.given && special.content == token.content) special.token = token;
  }
}

std::string HfSettings::fingerprint() const {
  nlohmann::json all = {static_cast<int>(type),
                        add_bos_token,
                        add_eos_token,
                        add_prefix_space.value_or(false),
                        legacy,
                        clean_up_tokenization_spaces,
                        add_prefix_space.has_value(),
                        add_prefix_space_is_null};
  auto flags = [](const AddedToken& t) {
    return nlohmann::json{t.content, t.single_word, t.lstrip, t.rstrip, t.normalized, t.special};
  };
  auto special = [&](const HfSpecialToken& t) {
    return nlohmann::json{t.content, t.token ? flags(*t.token) : nlohmann::json()};
  };
  for (const auto& [name, token] : special_tokens) all.push_back({name, special(token)});
  for (const HfSpecialToken& token : additional_special_tokens) all.push_back(special(token));
  for (const auto& [id, token] : added_tokens) all.push_back({id, flags(token)});
  return all.dump(-1, ' ', true);
}

HfSettings read_hf_settings(const std::filesystem::path& folder, HfTokenizerClass otherwise) {
  return SettingsReader(folder, otherwise).read();
}

void mark_as_slow_llama(HfSettings& settings) {
  for (auto& [name, value] : settings.special_tokens) {
    bool known = name == "bos_token" || name == "eos_token" || name == "unk_token" || name == "pad_token";
    if (known && !value.token) value.token = AddedToken{value.content, false, false, false, false, true};
  }
}

}  // namespace lore
