#include "lore/nn/llama_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/core/error.h"

namespace lore {
namespace {

using nlohmann::json;

/// Typed access to one JSON object, with errors that name the field.
class Fields {
 public:
  Fields(const json& object, std::string subject) : object_(object), subject_(std::move(subject)) {}

  bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }

  std::int64_t integer(const char* key) const {
    const json& value = at(key);
    if (!value.is_number_integer() || value.get<double>() < 0 || value.get<double>() > 1e12) {
      fail(key, "a non-negative integer", value);
    }
    return value.get<std::int64_t>();
  }
  std::int64_t integer(const char* key, std::int64_t otherwise) const {
    return has(key) ? integer(key) : otherwise;
  }
  double real(const char* key) const {
    const json& value = at(key);
    if (!value.is_number()) {
      fail(key, "a number", value);
    }
    return value.get<double>();
  }
  double real(const char* key, double otherwise) const { return has(key) ? real(key) : otherwise; }
  bool boolean(const char* key, bool otherwise) const {
    if (!has(key)) {
      return otherwise;
    }
    if (!at(key).is_boolean()) {
      fail(key, "true or false", at(key));
    }
    return at(key).get<bool>();
  }
  std::string text(const char* key, const std::string& otherwise) const {
    if (!has(key)) {
      return otherwise;
    }
    if (!at(key).is_string()) {
      fail(key, "a string", at(key));
    }
    return at(key).get<std::string>();
  }
  const json& at(const char* key) const {
    if (!object_.contains(key)) {
      throw Error(ErrorKind::kInput, subject_, fmt::format("field \"{}\" is missing", key));
    }
    return object_.at(key);
  }
  const json& object() const { return object_; }
  const std::string& subject() const { return subject_; }

  [[noreturn]] void fail(const char* key, std::string_view expected, const json& value) const {
    throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: field \"{}\"", subject_, key), expected,
                          value.dump().substr(0, 80));
  }
  [[noreturn]] void unsupported(const std::string& key, const json& value) const {
    throw Error(ErrorKind::kInput, subject_,
                fmt::format("field \"{}\" is {}, which changes the model's numbers and is not supported", key,
                            value.dump().substr(0, 80)));
  }

 private:
  const json& object_;
  std::string subject_;
};

bool is_neutral(const json& value) {
  return value.is_null() || value == false || value == 0 || (value.is_structured() && value.empty());
}

/// Fields by which models derived from Llama change its computation; `neutral` values do not.
void refuse_changes(const Fields& fields) {
  static const std::set<std::string> kMustBeOne{
      "pretraining_tp",       "partial_rotary_factor", "embedding_multiplier", "residual_multiplier",
      "attention_multiplier", "logits_scaling",        "logit_scale",          "scale_emb",
      "scale_depth"};
  static const std::set<std::string> kMustBeAbsent{"auto_map",
                                                   "num_experts",
                                                   "num_local_experts",
                                                   "moe_intermediate_size",
                                                   "attn_logit_softcapping",
                                                   "final_logit_softcapping",
                                                   "query_pre_attn_scalar",
                                                   "clip_qkv",
                                                   "parallel_attn",
                                                   "use_parallel_residual",
                                                   "qk_layernorm",
                                                   "use_qk_norm",
                                                   "no_rope_layers",
                                                   "alibi",
                                                   "rope_interleaved",
                                                   "attention_chunk_size",
                                                   "attn_temperature_tuning",
                                                   "dim_model_base",
                                                   "layer_norm_eps",
                                                   "kv_lora_rank",
                                                   "q_lora_rank",
                                                   "use_mla"};
  for (const auto& [key, value] : fields.object().items()) {
    if (kMustBeAbsent.contains(key) && !is_neutral(value)) {
      fields.unsupported(key, value);
    }
    if (kMustBeOne.contains(key) && !value.is_null() && value != 1) {
      fields.unsupported(key, value);
    }
    // What compressed-tensors stores is dequantized as it is read.
    if (key == "quantization_config" && !is_neutral(value) &&
        (!value.is_object() || value.value("quant_method", json()) != "compressed-tensors")) {
      fields.unsupported(key, value);
    }
  }
  const std::string activation = fields.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    fields.unsupported("hidden_act", activation);
  }
  if (fields.has("attention_dropout") && fields.real("attention_dropout") != 0) {
    fields.unsupported("attention_dropout", fields.at("attention_dropout"));
  }
}

std::vector<std::string> ignored_fields(const json& config) {
  static const std::set<std::string> kKnown{"architectures",
                                            "model_type",
                                            "vocab_size",
                                            "hidden_size",
                                            "intermediate_size",
                                            "num_hidden_layers",
                                            "num_attention_heads",
                                            "num_key_value_heads",
                                            "head_dim",
                                            "max_position_embeddings",
                                            "rms_norm_eps",
                                            "attention_bias",
                                            "mlp_bias",
                                            "tie_word_embeddings",
                                            "rope_theta",
                                            "rope_scaling",
                                            "rope_parameters",
                                            "sliding_window",
                                            "use_sliding_window",
                                            "max_window_layers",
                                            "layer_types",
                                            "eos_token_id",
                                            "bos_token_id",
                                            "pad_token_id",
                                            "hidden_act",
                                            "attention_dropout",
                                            "initializer_range",
                                            "pretraining_tp",
                                            "use_cache",
                                            "torch_dtype",
                                            "dtype",
                                            "transformers_version",
                                            "_name_or_path",
                                            "rope_interleaved",
                                            "is_llama_config",
                                            "partial_rotary_factor",
                                            "output_attentions",
                                            "output_hidden_states",
                                            "return_dict",
                                            "quantization_config",
                                            "_attn_implementation",
                                            "_attn_implementation_autoset",
                                            "transformers.js_config",
                                            "unsloth_fixed",
                                            "unsloth_version",
                                            "id2label",
                                            "label2id"};
  std::vector<std::string> ignored;
  for (const auto& [key, value] : config.items()) {
    if (!kKnown.contains(key) && !is_neutral(value)) {
      ignored.push_back(key);
    }
  }
  return ignored;
}

double yarn_attention_factor(const Fields& fields, double factor) {
  if (fields.has("attention_factor")) {
    return fields.real("attention_factor");
  }
  const auto scale = [factor](double mscale) {
    return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
  };
  if (fields.has("mscale") && fields.has("mscale_all_dim") && fields.real("mscale") != 0 &&
      fields.real("mscale_all_dim") != 0) {
    return scale(fields.real("mscale")) / scale(fields.real("mscale_all_dim"));
  }
  return scale(1.0);
}

RopeConfig read_rope(const Fields& config, std::int64_t max_positions) {
  RopeConfig rope;
  rope.theta = config.real("rope_theta", 10000.0);
  const char* key = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  if (!config.has(key)) {
    return rope;
  }
  if (!config.at(key).is_object()) {
    config.fail(key, "an object", config.at(key));
  }
  const Fields fields(config.at(key), fmt::format("{}: {}", config.subject(), key));
  rope.theta = fields.real("rope_theta", rope.theta);
  if (!std::isfinite(rope.theta) || rope.theta <= 1) {
    config.fail("rope_theta", "a number above 1", json(rope.theta));
  }
  if (fields.has("partial_rotary_factor") && fields.real("partial_rotary_factor") != 1) {
    fields.unsupported("partial_rotary_factor", fields.at("partial_rotary_factor"));
  }
  const std::string type = fields.text("rope_type", fields.text("type", "default"));
  if (type == "default") {
    return rope;
  }
  rope.factor = fields.real("factor");
  rope.original_max_position_embeddings =
      fields.real("original_max_position_embeddings",
                  config.real("original_max_position_embeddings", static_cast<double>(max_positions)));
  if (!(rope.factor > 0)) {
    fields.fail("factor", "a number above 0", fields.at("factor"));
  }
  if (type == "linear") {
    rope.type = RopeType::kLinear;
  } else if (type == "dynamic") {
    rope.type = RopeType::kDynamic;
    rope.original_max_position_embeddings = static_cast<double>(max_positions);
  } else if (type == "llama3") {
    rope.type = RopeType::kLlama3;
    rope.low_freq_factor = fields.real("low_freq_factor");
    rope.high_freq_factor = fields.real("high_freq_factor");
    rope.original_max_position_embeddings = fields.real("original_max_position_embeddings");
  } else if (type == "yarn") {
    rope.type = RopeType::kYarn;
    rope.beta_fast = fields.real("beta_fast", 32.0);
    rope.beta_slow = fields.real("beta_slow", 1.0);
    rope.truncate = fields.boolean("truncate", true);
    rope.attention_factor = yarn_attention_factor(fields, rope.factor);
  } else {
    fields.unsupported("rope_type", type);
  }
  return rope;
}

std::vector<std::int64_t> read_windows(const Fields& fields, const LlamaConfig& config) {
  std::vector<std::int64_t> windows(static_cast<std::size_t>(config.num_hidden_layers), 0);
  const bool is_mistral = config.model_type == "mistral";
  if (config.model_type == "llama") {
    return windows;  // LlamaForCausalLM has no sliding window and ignores the field
  }
  std::int64_t window = is_mistral && !fields.object().contains("sliding_window") ? 4096 : 0;
  if (fields.has("sliding_window")) {
    window = fields.integer("sliding_window");
  }
  if (is_mistral) {
    windows.assign(windows.size(), window);
    return windows;
  }
  if (!fields.boolean("use_sliding_window", false)) {
    window = 0;
  }
  const std::int64_t first = fields.integer("max_window_layers", 28);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    windows[i] = static_cast<std::int64_t>(i) >= first ? window : 0;
  }
  if (fields.has("layer_types")) {
    const json& types = fields.at("layer_types");
    if (!types.is_array() || types.size() != windows.size()) {
      fields.fail("layer_types", fmt::format("a list of {} layer types", windows.size()), types);
    }
    for (std::size_t i = 0; i < windows.size(); ++i) {
      if (types[i] != "full_attention" && types[i] != "sliding_attention") {
        fields.unsupported("layer_types", types[i]);
      }
      windows[i] = types[i] == "sliding_attention" ? window : 0;
    }
  }
  return windows;
}

std::string architecture_of(const Fields& fields) {
  static const std::array<std::array<const char*, 2>, 4> kArchitectures{{{"LlamaForCausalLM", "llama"},
                                                                         {"MistralForCausalLM", "mistral"},
                                                                         {"Qwen2ForCausalLM", "qwen2"},
                                                                         {"Qwen3ForCausalLM", "qwen3"}}};
  const std::string model_type = fields.text("model_type", "");
  std::string name;
  if (fields.has("architectures") && fields.at("architectures").is_array() &&
      !fields.at("architectures").empty() && fields.at("architectures")[0].is_string()) {
    name = fields.at("architectures")[0].get<std::string>();
  }
  for (const auto& [architecture, type] : kArchitectures) {
    if (name.empty() ? model_type == type : name == architecture) {
      if (!model_type.empty() && model_type != type) {
        throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: field \"model_type\"", fields.subject()),
                              fmt::format("\"{}\" for architecture {}", type, architecture), model_type);
      }
      return type;
    }
  }
  throw Error(ErrorKind::kInput, fields.subject(),
              fmt::format("architecture \"{}\" is not supported; supported are LlamaForCausalLM, "
                          "MistralForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM",
                          name.empty() ? model_type : name));
}

}  // namespace

LlamaConfig LlamaConfig::from_hf(const json& document, const std::string& subject) {
  if (!document.is_object()) {
    throw Error::mismatch(ErrorKind::kInput, subject, "an object", document.type_name());
  }
  const Fields fields(document, subject);
  LlamaConfig config;
  config.model_type = architecture_of(fields);
  refuse_changes(fields);
  const bool is_qwen3 = config.model_type == "qwen3";
  config.vocab_size = fields.integer("vocab_size");
  config.hidden_size = fields.integer("hidden_size");
  config.intermediate_size = fields.integer("intermediate_size");
  config.num_hidden_layers = fields.integer("num_hidden_layers");
  config.num_attention_heads = fields.integer("num_attention_heads");
  // The defaults of the four HF configuration classes.
  const std::int64_t default_kv = config.model_type == "llama"     ? config.num_attention_heads
                                  : config.model_type == "mistral" ? 8
                                                                   : 32;
  config.num_key_value_heads = document.contains("num_key_value_heads") && !fields.has("num_key_value_heads")
                                   ? config.num_attention_heads
                                   : fields.integer("num_key_value_heads", default_kv);
  if (config.num_attention_heads < 1 || config.num_key_value_heads < 1 ||
      config.num_attention_heads % config.num_key_value_heads != 0) {
    fields.fail("num_key_value_heads",
                fmt::format("a divisor of num_attention_heads {}", config.num_attention_heads),
                json(config.num_key_value_heads));
  }
  const std::int64_t default_head_dim = is_qwen3 ? 128 : config.hidden_size / config.num_attention_heads;
  config.head_dim = fields.integer("head_dim", default_head_dim);
  if (config.head_dim < 2 || config.head_dim % 2 != 0 || config.hidden_size < 1 || config.vocab_size < 1 ||
      config.intermediate_size < 1 || config.num_hidden_layers < 1) {
    throw Error(ErrorKind::kInput, subject, "sizes must be positive and head_dim even");
  }
  config.max_position_embeddings =
      fields.integer("max_position_embeddings", config.model_type == "llama" ? 2048 : 32768);
  config.rms_norm_eps = fields.real("rms_norm_eps", 1e-6);
  const bool attention_bias = config.model_type != "mistral" && fields.boolean("attention_bias", false);
  config.qkv_bias = config.model_type == "qwen2" || attention_bias;
  config.output_bias = config.model_type != "qwen2" && attention_bias;
  config.mlp_bias = config.model_type == "llama" && fields.boolean("mlp_bias", false);
  config.qk_norm = is_qwen3;
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", false);
  config.rope = read_rope(fields, config.max_position_embeddings);
  config.window = read_windows(fields, config);
  if (fields.has("eos_token_id")) {
    const json& eos = fields.at("eos_token_id");
    for (const json& id : eos.is_array() ? eos : json::array({eos})) {
      if (!id.is_number_integer()) {
        fields.fail("eos_token_id", "an integer or a list of integers", eos);
      }
      config.eos_token_ids.push_back(id.get<std::int64_t>());
    }
  }
  const std::vector<std::string> ignored = ignored_fields(document);
  if (!ignored.empty()) {
    config.warnings.push_back(fmt::format("{}: fields without effect on {} were ignored: {}", subject,
                                          config.model_type, fmt::join(ignored, ", ")));
  }
  return config;
}

std::int64_t LlamaConfig::parameter_count() const {
  const std::int64_t attention = hidden_size * (2 * query_size() + 2 * key_value_size());
  return num_hidden_layers * (attention + 3 * hidden_size * intermediate_size) + vocab_size * hidden_size;
}

}  // namespace lore
