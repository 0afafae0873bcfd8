#include "lore/formats/adapter_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/private_path.h"
#include "lore/formats/json_file.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

/// Keys that do not change what a trained adapter computes, whatever their value: how it was started
/// (init_lora_weights decides whether that matters), how it was trained, how PEFT loads it.
constexpr std::array<std::string_view, 11> kHarmless{
    "auto_mapping",      "corda_config",   "ephemeral_gpu_offload", "eva_config",
    "loftq_config",      "lora_ga_config", "megatron_core",         "merge_weights",
    "qalora_group_size", "runtime_config", "velora_config"};

/// Keys of PEFT 0.2.0 to 0.21.2 for what Lore does not support; they must be null, false or empty.
constexpr std::array<std::string_view, 10> kUnsupported{
    "alora_invocation_tokens", "arrow_config",      "ensure_weight_tying", "kasa_config", "layer_replication",
    "megatron_config",         "monteclora_config", "target_parameters",   "use_bdlora",  "use_qalora"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

bool is_empty(const Json& value) {
  return value.is_null() || value == false ||
         (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         (value.is_structured() && value.empty());
}

/// Reads one file's keys, marking each as known; each getter leaves the default for null or absent.
class ConfigReader {
 public:
  ConfigReader(const std::filesystem::path& file, std::vector<std::string>& warnings)
      : subject_(file.string()), warnings_(warnings), json_(read_ordered_json_file(file)) {
    if (!json_.is_object()) {
      throw Error(ErrorKind::kInput, subject_, "is not a JSON object");
    }
  }

  PeftConfig read() {
    PeftConfig config;
    read_kind(config);
    text("task_type", config.task_type);
    text("base_model_name_or_path", config.base_model_name_or_path);
    text("revision", config.revision);
    text("peft_version", config.peft_version);
    flag("inference_mode", config.inference_mode);
    read_scale(config);
    read_modules(config);
    read_trained_parts(config);
    read_unsupported(config);
    read_initialization(config);
    read_rest();
    return config;
  }

 private:
  void read_kind(PeftConfig& config) {
    const Json* value = find("peft_type");
    if (value == nullptr && (json_.contains("fine_tune_type") || json_.contains("lora_parameters"))) {
      refuse("peft_type",
             "is missing: this is an adapter of mlx-lm, whose tensors are named and laid out in another "
             "way; convert it to PEFT's files");
    }
    if (value == nullptr) {
      refuse("peft_type", "is missing; is this a PEFT adapter's configuration?");
    }
    if (*value != "LORA") {
      refuse("peft_type", fmt::format("{} is not supported; only \"LORA\" is", shown(*value)));
    }
    config.peft_type = "LORA";
  }

  void read_scale(PeftConfig& config) {
    if (const Json* value = find("r")) {
      config.r = rank("r", *value);
    }
    if (const Json* value = find("lora_alpha")) {
      config.lora_alpha = number("lora_alpha", *value);
    }
    if (const Json* value = find("lora_dropout")) {
      config.lora_dropout = number("lora_dropout", *value);
      if (config.lora_dropout < 0 || config.lora_dropout > 1) {
        refuse("lora_dropout", fmt::format("expected a number from 0 to 1, got {}", shown(*value)));
      }
    }
    flag("use_rslora", config.use_rslora);
    flag("use_dora", config.use_dora);
    for (const auto& [pattern, value] : object("rank_pattern")) {
      config.rank_pattern.emplace_back(pattern, rank("rank_pattern", value));
    }
    for (const auto& [pattern, value] : object("alpha_pattern")) {
      config.alpha_pattern.emplace_back(pattern, number("alpha_pattern", value));
    }
  }

  void read_modules(PeftConfig& config) {
    config.target_modules = module_names("target_modules");
    config.exclude_modules = module_names("exclude_modules");
    if (const Json* value = find("layers_to_transform")) {
      config.layers_to_transform = layers(*value);
    }
    if (const Json* value = find("layers_pattern")) {
      config.layers_pattern =
          value->is_string() ? std::vector{value->get<std::string>()} : strings("layers_pattern", *value);
      std::erase(config.layers_pattern, "");
    }
    if (std::holds_alternative<std::string>(config.target_modules) && config.layers_to_transform) {
      refuse("layers_to_transform", "cannot be used when target_modules is a regular expression");
    }
    if (!config.layers_pattern.empty() && !config.layers_to_transform) {
      refuse("layers_pattern", "needs layers_to_transform");
    }
    if (config.layers_to_transform && config.layers_to_transform->empty()) {
      config.layers_to_transform.reset();
    }
  }

  /// What is trained besides the low-rank updates.
  void read_trained_parts(PeftConfig& config) {
    text("bias", config.bias);
    if (config.bias != "none" && config.bias != "all" && config.bias != "lora_only") {
      refuse("bias",
             fmt::format("expected \"none\", \"all\" or \"lora_only\", got {}", in_quotes(config.bias)));
    }
    if (const Json* value = find("modules_to_save"); value != nullptr && !is_empty(*value)) {
      config.modules_to_save = strings("modules_to_save", *value);
    }
  }

  /// Fields of PeftConfig of which only the default is supported.
  void read_unsupported(PeftConfig& config) {
    flag("lora_bias", config.lora_bias);
    flag("fan_in_fan_out", config.fan_in_fan_out);
    if (config.lora_bias) {
      refuse(
          "lora_bias",
          "true is not supported: the update's own bias has no place in a merged model whose layers have "
          "none; merge the adapter with PEFT, or train without it (bias: lora_only trains those there are)");
    }
    if (const Json* value = find("trainable_token_indices"); value != nullptr && !is_empty(*value)) {
      refuse("trainable_token_indices",
             fmt::format("{} is not supported: merge the adapter with PEFT, or train embed_tokens whole "
                         "(modules_to_save) or with a low-rank update (target_modules)",
                         shown(*value)));
    }
    for (const auto& [key, set] : {std::pair("fan_in_fan_out", config.fan_in_fan_out)}) {
      if (set) {
        refuse(key, "true is not supported; merge the adapter with PEFT and use the merged model");
      }
    }
  }

  /// PEFT runs the initialization again when it loads an adapter; one that takes A and B out of the base
  /// changes what the adapter is added to. Of those, pissa and olora always take the same.
  void read_initialization(PeftConfig& config) {
    const Json* value = find("init_lora_weights");
    if (value == nullptr) {
      return;
    }
    if (value->is_boolean()) {
      config.init_lora_weights = value->get<bool>();
    } else if (*value == "gaussian" || *value == "orthogonal" || *value == "pissa" || *value == "olora") {
      config.init_lora_weights = value->get<std::string>();
    } else if (*value == "eva" || *value == "mica") {
      find("eva_config");  // how A was found; the base stays as it is
    } else {
      refuse(
          "init_lora_weights",
          fmt::format("{} is not supported: PEFT runs this initialization again when it loads the adapter, "
                      "which may change the base in another way than before the training; save the adapter "
                      "with PEFT's save_pretrained(..., path_initial_model_for_weight_conversion=...)",
                      shown(*value)));
    }
  }

  void read_rest() {
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) {
        continue;
      }
      if (contains(kHarmless, key)) {
        const bool usual = (key == "megatron_core" && value == "megatron.core") ||
                           (key == "qalora_group_size" && value == 16) || is_empty(value);
        if (!usual) {
          warnings_.push_back(fmt::format("{}: {}: {} is ignored", subject_, key, shown(value)));
        }
      } else if (!is_empty(value)) {
        refuse(key,
               contains(kUnsupported, key)
                   ? fmt::format("{} is not supported, and may change what the adapter computes; merge the "
                                 "adapter with PEFT and use the merged model",
                                 shown(value))
                   : fmt::format("{} is not known, and may change what the adapter computes; if it does not, "
                                 "take the key out",
                                 shown(value)));
      } else if (!contains(kUnsupported, key)) {
        warnings_.push_back(fmt::format("{}: the unknown key {} is ignored", subject_, in_quotes(key)));
      }
    }
  }

  const Json* find(const char* key) {
    known_.push_back(key);
    const auto found = json_.find(key);
    return found != json_.end() && !found->is_null() ? &*found : nullptr;
  }

  void text(const char* key, std::string& result) {
    if (const Json* value = find(key)) {
      if (!value->is_string()) {
        refuse(key, fmt::format("expected a string, got {}", shown(*value)));
      }
      result = value->get<std::string>();
    }
  }

  void flag(const char* key, bool& result) {
    if (const Json* value = find(key)) {
      if (!value->is_boolean()) {
        refuse(key, fmt::format("expected true or false, got {}", shown(*value)));
      }
      result = value->get<bool>();
    }
  }

  std::vector<std::pair<std::string, Json>> object(const char* key) {
    std::vector<std::pair<std::string, Json>> result;
    if (const Json* value = find(key)) {
      if (!value->is_object()) {
        refuse(key, fmt::format("expected an object, got {}", shown(*value)));
      }
      for (const auto& [name, entry] : value->items()) {
        result.emplace_back(name, entry);
      }
    }
    return result;
  }

  ModuleNames module_names(const char* key) {
    const Json* value = find(key);
    if (value == nullptr) {
      return {};
    }
    return value->is_string() ? ModuleNames(value->get<std::string>()) : ModuleNames(strings(key, *value));
  }

  std::vector<std::string> strings(const char* key, const Json& value) const {
    std::vector<std::string> result;
    const bool all = value.is_array() &&
                     std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); });
    if (!all) {
      refuse(key, fmt::format("expected a string or a list of strings, got {}", shown(value)));
    }
    for (const Json& entry : value) {
      result.push_back(entry.get<std::string>());
    }
    return result;
  }

  std::vector<std::int64_t> layers(const Json& value) const {
    const std::vector<Json> entries =
        value.is_array() ? value.get<std::vector<Json>>() : std::vector<Json>{value};
    std::vector<std::int64_t> result;
    for (const Json& entry : entries) {
      if (!entry.is_number_integer() || entry.get<std::int64_t>() < 0) {
        refuse("layers_to_transform",
               fmt::format("expected a layer number or a list of them, got {}", shown(value)));
      }
      result.push_back(entry.get<std::int64_t>());
    }
    return result;
  }

  std::int64_t rank(const char* key, const Json& value) const {
    const bool integral = value.is_number_integer();
    if (!integral || value.get<std::int64_t>() <= 0) {
      refuse(key, fmt::format("expected a rank above 0, got {}", shown(value)));
    }
    return value.get<std::int64_t>();
  }

  double number(const char* key, const Json& value) const {
    if (!value.is_number()) {
      refuse(key, fmt::format("expected a number, got {}", shown(value)));
    }
    return value.get<double>();
  }

  static std::string shown(const Json& value) { return printable(value.dump()); }

  [[noreturn]] void refuse(std::string_view key, std::string_view message) const {
    throw Error(ErrorKind::kInput, subject_, fmt::format("{}: {}", printable(key), message));
  }

  std::string subject_;
  std::vector<std::string>& warnings_;
  Json json_;
  std::vector<std::string_view> known_;
};

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json number_or_integer(double value) {
  constexpr double kExact = 9007199254740992.0;
  if (std::nearbyint(value) == value && std::abs(value) <= kExact) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

Json names_or_null(const ModuleNames& names) {
  if (const auto* text = std::get_if<std::string>(&names)) {
    return *text;
  }
  if (const auto* list = std::get_if<std::vector<std::string>>(&names)) {
    return *list;
  }
  return {};
}

}  // namespace

PeftConfig read_adapter_config(const std::filesystem::path& file, std::vector<std::string>& warnings) {
  return ConfigReader(file, warnings).read();
}

void write_adapter_config(const std::filesystem::path& file, const PeftConfig& config) {
  Json rank_pattern = Json::object();
  for (const auto& [pattern, rank] : config.rank_pattern) {
    rank_pattern[pattern] = rank;
  }
  Json alpha_pattern = Json::object();
  for (const auto& [pattern, alpha] : config.alpha_pattern) {
    alpha_pattern[pattern] = number_or_integer(alpha);
  }
  // Keys in alphabetical order, as PEFT writes them; patterns in their own, which decides between matches.
  // What PEFT came to know later than its first releases is left out where it says nothing: LoraConfig
  // refuses keys it does not know.
  Json json;
  if (!alpha_pattern.empty()) {
    json["alpha_pattern"] = alpha_pattern;
  }
  json["base_model_name_or_path"] = text_or_null(public_name(config.base_model_name_or_path));
  json["bias"] = config.bias;
  if (!std::holds_alternative<std::monostate>(config.exclude_modules)) {
    json["exclude_modules"] = names_or_null(config.exclude_modules);
  }
  json["fan_in_fan_out"] = config.fan_in_fan_out;
  json["inference_mode"] = config.inference_mode;
  json["init_lora_weights"] =
      std::visit([](const auto& value) { return Json(value); }, config.init_lora_weights);
  if (!config.layers_pattern.empty()) {
    json["layers_pattern"] = config.layers_pattern;
  }
  if (config.layers_to_transform) {
    json["layers_to_transform"] = *config.layers_to_transform;
  }
  json["lora_alpha"] = number_or_integer(config.lora_alpha);
  if (config.lora_bias) {
    json["lora_bias"] = true;
  }
  json["lora_dropout"] = config.lora_dropout;
  json["modules_to_save"] = config.modules_to_save.empty() ? Json() : Json(config.modules_to_save);
  json["peft_type"] = config.peft_type;
  if (!config.peft_version.empty()) {
    json["peft_version"] = config.peft_version;
  }
  json["r"] = config.r;
  if (!rank_pattern.empty()) {
    json["rank_pattern"] = rank_pattern;
  }
  if (!config.revision.empty()) {
    json["revision"] = config.revision;
  }
  json["target_modules"] = names_or_null(config.target_modules);
  json["task_type"] = text_or_null(config.task_type);
  if (config.use_dora) {
    json["use_dora"] = true;
  }
  if (config.use_rslora) {
    json["use_rslora"] = true;
  }
  constexpr bool kAscii = true;  // as Python's json.dumps
  write_file_atomically(file, json.dump(2, ' ', kAscii));
}

}  // namespace lore
