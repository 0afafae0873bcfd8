#include "lore/tasks/inspect_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/sha256.h"
#include "lore/data/visible_text.h"
#include "lore/formats/gguf.h"
#include "lore/tasks/inspect_model.h"
#include "lore/text/chat_template.h"
#include "lore/text/tokenizer.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

std::string type_name(const ScanInput& tensor) {
  return std::string(std::visit([](auto type) { return name_of(type); }, tensor.type));
}

std::int64_t elements(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    count *= size;
  }
  return count;
}

/// Whether a model brings anything of a tokenizer along.
bool has_tokenizer(const std::filesystem::path& model) {
  if (!std::filesystem::is_directory(model)) {
    return model.extension() != ".gguf" || GgufFile::open(model).has("tokenizer.ggml.model");
  }
  return std::ranges::any_of(
      std::array{"tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json"},
      [&](const char* name) { return std::filesystem::exists(model / name); });
}

}  // namespace

void describe_tensors(const std::vector<ScanInput>& tensors, Inspection& inspection) {
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> types;  // tensors, bytes
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;
  for (const ScanInput& tensor : tensors) {
    auto& [count, size] = types[type_name(tensor)];
    ++count;
    size += static_cast<std::int64_t>(tensor.bytes.size());
    bytes += static_cast<std::int64_t>(tensor.bytes.size());
    parameters += elements(tensor.shape);
  }
  std::vector<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>> order(types.begin(),
                                                                                   types.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second.second > b.second.second; });
  std::string text;
  Json json = Json::object();
  for (const auto& [type, sizes] : order) {
    text +=
        fmt::format("{}{} x {} ({})", text.empty() ? "" : ", ", type, sizes.first, size_text(sizes.second));
    json[type] = {{"tensors", sizes.first}, {"bytes", sizes.second}};
  }
  inspection.fact("tensors", fmt::format("{}: {}", tensors.size(), text));
  inspection.fact("parameters", fmt::format("{} in {}", grouped(parameters), size_text(bytes)));
  inspection.details["tensors"] = tensors.size();
  inspection.details["parameters"] = parameters;
  inspection.details["bytes"] = bytes;
  inspection.details["dtypes"] = std::move(json);
}

void check_values(const std::vector<ScanInput>& tensors, bool deep, const Environment& environment,
                  Inspection& inspection) {
  std::int64_t bytes = 0;
  for (const ScanInput& tensor : tensors) {
    bytes += static_cast<std::int64_t>(tensor.bytes.size());
  }
  if (!deep && bytes > kReadBytes) {
    inspection.fact("values", fmt::format("not read, as there are {}; --deep reads them", size_text(bytes)));
    inspection.details["values_read"] = false;
    return;
  }
  const std::function<bool()> stop = [&] { return *environment.signal != 0; };
  const std::vector<ScanResult> results = scan_tensors(tensors, stop);
  inspection.details["values_read"] = !stop();
  std::size_t unread = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const ScanInput& tensor = tensors[i];
    unread += results[i].readable ? 0 : 1;
    if (results[i].first_bad >= 0) {
      inspection.problem(
          fmt::format("tensor {}: holds NaN or infinite values, the first at {}; fetch or save the "
                      "file again",
                      printable(tensor.name), results[i].place(tensor.shape)),
          "finite");
    } else if (results[i].readable && results[i].zero && tensor.shape.size() == 2) {
      inspection.warnings.push_back(fmt::format("tensor {}: every value is zero", printable(tensor.name)));
    }
  }
  inspection.fact("values", unread == 0 ? "all read"
                                        : fmt::format("read in {} of {} tensors; the others are of types "
                                                      "that Lore does not read",
                                                      tensors.size() - unread, tensors.size()));
}

void check_parameters(const std::vector<ParameterShape>& expected, const std::vector<ScanInput>& tensors,
                      const std::vector<std::string>& allowed, Inspection& inspection) {
  std::map<std::string, const ScanInput*> found;
  for (const ScanInput& tensor : tensors) {
    found[tensor.name] = &tensor;
  }
  Json missing = Json::array();
  for (const ParameterShape& parameter : expected) {
    const auto at = found.find(parameter.name);
    if (at == found.end()) {
      missing.push_back(parameter.name);
      inspection.problem(fmt::format("tensor {} [{}] is missing, which the configuration asks for",
                                     parameter.name, fmt::join(parameter.shape, ",")),
                         "missing");
      continue;
    }
    if (at->second->shape != parameter.shape) {
      inspection.problem(
          fmt::format("tensor {}: expected [{}] by the configuration, got [{}]", parameter.name,
                      fmt::join(parameter.shape, ","), fmt::join(at->second->shape, ",")),
          "shape");
    }
    found.erase(at);
  }
  Json extra = Json::array();
  for (const auto& [name, tensor] : found) {
    const bool is_allowed = std::find(allowed.begin(), allowed.end(), name) != allowed.end();
    if (!is_allowed && !name.ends_with("rotary_emb.inv_freq")) {
      extra.push_back(name);
      inspection.problem(fmt::format("tensor {} is no part of the configured architecture", printable(name)),
                         "extra");
    }
  }
  inspection.details["missing"] = std::move(missing);
  inspection.details["extra"] = std::move(extra);
}

void describe_architecture(const LlamaConfig& config, Inspection& inspection) {
  inspection.fact(
      "model", fmt::format("{}: {} layers, hidden {}, {} heads of {} ({} for keys and values), feed-forward "
                           "{}, vocabulary {}, {} positions, head {}",
                           config.model_type, config.num_hidden_layers, config.hidden_size,
                           config.num_attention_heads, config.head_dim, config.num_key_value_heads,
                           config.intermediate_size, config.vocab_size, config.max_position_embeddings,
                           config.tie_word_embeddings ? "tied to the embeddings" : "of its own"));
  inspection.details["architecture"] = {{"model_type", config.model_type},
                                        {"num_hidden_layers", config.num_hidden_layers},
                                        {"hidden_size", config.hidden_size},
                                        {"intermediate_size", config.intermediate_size},
                                        {"num_attention_heads", config.num_attention_heads},
                                        {"num_key_value_heads", config.num_key_value_heads},
                                        {"head_dim", config.head_dim},
                                        {"vocab_size", config.vocab_size},
                                        {"max_position_embeddings", config.max_position_embeddings},
                                        {"tie_word_embeddings", config.tie_word_embeddings}};
  for (const std::string& warning : config.warnings) {
    inspection.warnings.push_back(without_folder(warning, inspection.path));
  }
}

void describe_text(const std::filesystem::path& model, const LlamaConfig* config, Inspection& inspection) {
  if (!has_tokenizer(model)) {
    inspection.fact("tokenizer", "none");
    inspection.details["tokenizer"] = nullptr;
    inspection.warnings.emplace_back(
        "brings no tokenizer along, so it can neither be trained nor generate text");
    return;
  }
  try {
    const std::shared_ptr<const Tokenizer> tokenizer = load_tokenizer(model);
    std::string special;
    for (const auto& [name, token] : tokenizer->special_tokens().by_name) {
      special += fmt::format("{}{} {}", special.empty() ? "" : ", ", name, in_quotes(token));
    }
    inspection.fact("tokenizer", fmt::format("{} tokens; {}", grouped(tokenizer->size()),
                                             special.empty() ? "no special tokens named" : special));
    inspection.details["tokenizer"] = {{"size", tokenizer->size()},
                                       {"special_tokens", tokenizer->special_tokens().by_name},
                                       {"sha256", tokenizer->sha256()}};
    if (config != nullptr && tokenizer->size() > config->vocab_size) {
      inspection.problem(
          fmt::format("the tokenizer has {} tokens, more than the model's vocabulary of {}: it is "
                      "another model's",
                      tokenizer->size(), config->vocab_size));
    }
  } catch (const Error& error) {
    inspection.problem(error.what());
    inspection.details["tokenizer"] = nullptr;
  }
  try {
    const std::optional<ChatTemplate> chat = find_chat_template(model);
    if (!chat) {
      inspection.fact("template", "none");
      inspection.details["chat_template"] = nullptr;
      return;
    }
    const std::string sha = sha256_hex(chat->source());
    inspection.fact(
        "template",
        fmt::format("{} lines{}, SHA-256 {}",
                    1 + std::count(chat->source().begin(), chat->source().end(), '\n'),
                    chat->marks_generation() ? ", marks the assistant's turns" : "", sha.substr(0, 16)));
    inspection.details["chat_template"] = {{"sha256", sha}, {"marks_generation", chat->marks_generation()}};
  } catch (const Error& error) {
    inspection.problem(error.what());
    inspection.details["chat_template"] = nullptr;
  }
}

}  // namespace lore
