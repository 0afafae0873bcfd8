#include "lore/tasks/merged_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <utility>

#include "lore/core/error.h"
#include "lore/nn/rope_table.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

bool has(const Json& object, const char* key) { return object.contains(key) && !object.at(key).is_null(); }

void spell_rope_both_ways(Json& config) {
  if (has(config, "rope_parameters")) {
    Json scaling = config["rope_parameters"];
    if (!scaling.is_object()) {
      return;
    }
    if (has(scaling, "rope_theta")) {
      config["rope_theta"] = scaling["rope_theta"];
    }
    scaling.erase("rope_theta");
    const bool plain = !has(scaling, "rope_type") || scaling["rope_type"] == "default";
    config["rope_scaling"] = plain ? Json() : scaling;
    return;
  }
  Json parameters = has(config, "rope_scaling") ? config["rope_scaling"] : Json::object();
  if (!parameters.is_object()) {
    return;
  }
  if (!parameters.contains("rope_type")) {
    parameters["rope_type"] = parameters.value("type", "default");
  }
  parameters.erase("type");
  if (!has(config, "rope_theta")) {
    config["rope_theta"] = 10000.0;
  }
  parameters["rope_theta"] = config["rope_theta"];
  if (!config.contains("rope_scaling")) {
    config["rope_scaling"] = Json();
  }
  config["rope_parameters"] = parameters;
}

/// Rotary scaling as `rope_scaling` says it; null where there is none.
Json gguf_rope_scaling(const RopeConfig& rope) {
  switch (rope.type) {
    case RopeType::kLinear:
      return {{"rope_type", "linear"}, {"factor", rope.factor}};
    case RopeType::kYarn:
      return {{"rope_type", "yarn"},
              {"factor", rope.factor},
              {"original_max_position_embeddings", std::llround(rope.original_max_position_embeddings)},
              {"beta_fast", rope.beta_fast},
              {"beta_slow", rope.beta_slow},
              {"attention_factor", rope.attention_factor}};
    default:
      return {};
  }
}

/// A float32 of the metadata as the number that was meant: 1e-05, not 9.999999747378752e-06.
double shortest(double value) { return std::stod(fmt::format("{}", static_cast<float>(value))); }

bool gives_divisors(const RopeConfig& guess, const std::vector<float>& divisors, std::int64_t head_dim) {
  RopeConfig plain = guess;
  plain.type = RopeType::kDefault;
  const std::vector<float> base = rope_inverse_frequencies(plain, head_dim, 1);
  const std::vector<float> scaled = rope_inverse_frequencies(guess, head_dim, 1);
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (!(std::abs(base[i] / scaled[i] / divisors[i] - 1.0F) < 1e-5F)) {
      return false;
    }
  }
  return true;
}

/// The parameters by the divisors that lie between 1 and the factor: there 1 / divisor is linear in the
/// frequency. Of what the line leaves open, low_freq_factor is taken to be 1.
std::optional<RopeConfig> fit_llama3(RopeConfig guess, const std::vector<float>& divisors,
                                     std::int64_t head_dim) {
  RopeConfig plain = guess;
  plain.type = RopeType::kDefault;
  const std::vector<float> frequencies = rope_inverse_frequencies(plain, head_dim, 1);
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    const auto divisor = static_cast<double>(divisors[i]);
    if (divisor > 1 && divisor < guess.factor) {
      const double smooth = (1 / divisor - 1 / guess.factor) / (1 - 1 / guess.factor);
      points.emplace_back(static_cast<double>(frequencies[i]), smooth);
    }
  }
  if (points.size() < 2) {
    return std::nullopt;
  }
  const auto& [first_frequency, first_smooth] = points.front();
  const auto& [last_frequency, last_smooth] = points.back();
  const double slope = (first_smooth - last_smooth) / (first_frequency - last_frequency);
  const double offset = last_smooth - slope * last_frequency;
  if (!(slope > 0) || !(offset < 0)) {
    return std::nullopt;
  }
  guess.low_freq_factor = 1;
  guess.high_freq_factor = 1 - 1 / offset;
  guess.original_max_position_embeddings =
      slope * 2 * std::numbers::pi * (guess.high_freq_factor - guess.low_freq_factor);
  return guess;
}

/// GGUF stores llama3 scaling as the divisors it comes to: finds the parameters that give them.
Json llama3_scaling(const RopeConfig& rope, std::int64_t head_dim, const std::string& subject) {
  RopeConfig guess = rope;
  guess.frequency_divisors.clear();
  guess.type = RopeType::kLlama3;
  guess.factor =
      static_cast<double>(*std::max_element(rope.frequency_divisors.begin(), rope.frequency_divisors.end()));
  guess.low_freq_factor = 1;
  guess.high_freq_factor = 4;
  const auto json = [](const RopeConfig& found) -> Json {
    const double original = found.original_max_position_embeddings;
    const bool whole = std::abs(original - std::nearbyint(original)) < 1e-9;
    return {{"rope_type", "llama3"},
            {"factor", found.factor},
            {"low_freq_factor", found.low_freq_factor},
            {"high_freq_factor", found.high_freq_factor},
            {"original_max_position_embeddings", whole ? Json(std::llround(original)) : Json(original)}};
  };
  for (const double original :
       {rope.original_max_position_embeddings, 8192.0, 4096.0, 2048.0, 16384.0, 32768.0}) {
    guess.original_max_position_embeddings = original;
    if (original > 0 && gives_divisors(guess, rope.frequency_divisors, head_dim)) {
      return json(guess);
    }
  }
  if (const auto fitted = fit_llama3(guess, rope.frequency_divisors, head_dim)) {
    RopeConfig rounded = *fitted;
    rounded.high_freq_factor = std::round(fitted->high_freq_factor * 1e3) / 1e3;
    rounded.original_max_position_embeddings = std::round(fitted->original_max_position_embeddings);
    for (const RopeConfig& found : {rounded, *fitted}) {
      if (gives_divisors(found, rope.frequency_divisors, head_dim)) {
        return json(found);
      }
    }
  }
  throw Error(
      ErrorKind::kInput, subject + ": rope_freqs.weight",
      "are not the divisors of Llama 3's rotary scaling, and config.json can say nothing else; use the "
      "model's Hugging Face folder");
}

Json ids(const GgufFile& file, const char* key) {
  const auto id = file.integer(key);
  return id && *id >= 0 && *id != 0xFFFFFFFF ? Json(*id) : Json();
}

}  // namespace

Json merged_config(Json config, std::string_view dtype, bool untied) {
  config.erase("quantization_config");
  spell_rope_both_ways(config);
  config["torch_dtype"] = dtype;
  config["dtype"] = dtype;
  if (has(config, "rms_norm_eps")) {
    config["rms_norm_eps"] = config["rms_norm_eps"].get<double>();
  }
  if (untied) {
    config["tie_word_embeddings"] = false;
  }
  return config;
}

Json config_from_gguf(const std::filesystem::path& path, const LlamaConfig& config, std::string_view dtype,
                      bool untied) {
  const GgufFile file = GgufFile::open(path);
  const std::int64_t window = config.window.empty() ? 0 : config.window.front();
  const bool is_llama = config.model_type == "llama";
  // Llama itself has no sliding window; Mistral, which GGUF files call llama too, has one.
  const std::string type = is_llama && window > 0 ? "mistral" : config.model_type;
  const char* architecture = type == "mistral" ? "MistralForCausalLM"
                             : type == "qwen2" ? "Qwen2ForCausalLM"
                             : type == "qwen3" ? "Qwen3ForCausalLM"
                                               : "LlamaForCausalLM";
  const bool all_biases = config.qkv_bias && config.output_bias;
  if (type != "qwen2" && config.qkv_bias != config.output_bias) {
    throw Error(ErrorKind::kInput, path.string(),
                fmt::format("has biases on some of q, k, v and o, which no {} has", architecture));
  }
  Json json{{"architectures", Json::array({architecture})},
            {"model_type", type},
            {"vocab_size", config.vocab_size},
            {"hidden_size", config.hidden_size},
            {"intermediate_size", config.intermediate_size},
            {"num_hidden_layers", config.num_hidden_layers},
            {"num_attention_heads", config.num_attention_heads},
            {"num_key_value_heads", config.num_key_value_heads},
            {"head_dim", config.head_dim},
            {"hidden_act", "silu"},
            {"max_position_embeddings", config.max_position_embeddings},
            {"rms_norm_eps", shortest(config.rms_norm_eps)},
            {"tie_word_embeddings", config.tie_word_embeddings},
            {"attention_dropout", 0.0},
            {"initializer_range", 0.02},
            {"use_cache", true},
            {"bos_token_id", ids(file, "tokenizer.ggml.bos_token_id")},
            {"eos_token_id", ids(file, "tokenizer.ggml.eos_token_id")},
            {"pad_token_id", ids(file, "tokenizer.ggml.padding_token_id")},
            {"rope_theta", shortest(config.rope.theta)}};
  if (type == "llama" || type == "qwen3") {
    json["attention_bias"] = all_biases;
  }
  if (type == "llama") {
    json["mlp_bias"] = config.mlp_bias;
  }
  if (type == "mistral") {
    json["sliding_window"] = window;
  } else if (!is_llama) {
    json["use_sliding_window"] = window > 0;
    json["sliding_window"] = window > 0 ? Json(window) : Json();
    json["max_window_layers"] = window > 0 ? 0 : config.num_hidden_layers;
  }
  json["rope_scaling"] = config.rope.frequency_divisors.empty()
                             ? gguf_rope_scaling(config.rope)
                             : llama3_scaling(config.rope, config.head_dim, path.string());
  return merged_config(std::move(json), dtype, untied);
}

}  // namespace lore
