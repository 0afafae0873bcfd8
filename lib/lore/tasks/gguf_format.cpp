#include "lore/tasks/gguf_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

namespace lore {
namespace {

/// Numbers of general.file_type: enum llama_ftype.
constexpr std::array kFormats{
    GgufFormat{"gguf:f32", "F32", GgmlType::kF32, 0},
    GgufFormat{"gguf:f16", "F16", GgmlType::kF16, 1},
    GgufFormat{"gguf:bf16", "BF16", GgmlType::kBF16, 32},
    GgufFormat{"gguf:q8_0", "Q8_0", GgmlType::kQ8_0, 7},
    GgufFormat{"gguf:q6_k", "Q6_K", GgmlType::kQ6_K, 18},
    GgufFormat{"gguf:q5_k_m", "Q5_K_M", GgmlType::kQ5_K, 17, true},
    GgufFormat{"gguf:q5_1", "Q5_1", GgmlType::kQ5_1, 9},
    GgufFormat{"gguf:q5_0", "Q5_0", GgmlType::kQ5_0, 8},
    GgufFormat{"gguf:q4_k_m", "Q4_K_M", GgmlType::kQ4_K, 15, true},
    GgufFormat{"gguf:q4_1", "Q4_1", GgmlType::kQ4_1, 3},
    GgufFormat{"gguf:q4_0", "Q4_0", GgmlType::kQ4_0, 2},
};

/// 3 in "model.layers.3.mlp.down_proj.weight" for `module` "mlp.down_proj"; nothing for another module.
std::optional<std::int64_t> layer_of(const std::string& name, std::string_view module) {
  constexpr std::string_view kPrefix = "model.layers.";
  const std::string ending = fmt::format(".{}.weight", module);
  if (!name.starts_with(kPrefix) || !name.ends_with(ending)) {
    return std::nullopt;
  }
  std::int64_t layer = 0;
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size() - ending.size(), layer);
  return layer;
}

/// Whether a layer is among those that matter most, as llama.cpp found it to be.
bool matters(std::int64_t layer, std::int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

/// llama.cpp takes a model of 80 layers with grouped queries for one of 70 B, whose v_proj are small.
bool is_70b(const LlamaConfig& config) {
  return config.num_hidden_layers == 80 && config.num_attention_heads != config.num_key_value_heads;
}

}  // namespace

std::span<const GgufFormat> gguf_formats() { return kFormats; }

const GgufFormat* gguf_format_named(std::string_view name) {
  const auto* const found = std::ranges::find(kFormats, name, &GgufFormat::name);
  return found == kFormats.end() ? nullptr : found;
}

const GgufFormat& gguf_format_of(GgmlType type) {
  return *std::ranges::find(kFormats, type, &GgufFormat::type);
}

std::string gguf_format_names() {
  std::vector<std::string_view> names;
  for (const GgufFormat& format : kFormats) {
    names.push_back(format.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

bool is_quantized(GgmlType type) {
  return type != GgmlType::kF32 && type != GgmlType::kF16 && type != GgmlType::kBF16 &&
         type != GgmlType::kF64;
}

GgmlType wanted_gguf_type(const GgufFormat& format, const ParameterShape& parameter,
                          const LlamaConfig& config, bool importance) {
  if (parameter.shape.size() < 2) {
    return GgmlType::kF32;
  }
  if (!is_quantized(format.type)) {
    return format.type;
  }
  const char* head = config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  if (parameter.name == head) {
    return format.type == GgmlType::kQ8_0 ? GgmlType::kQ8_0 : GgmlType::kQ6_K;
  }
  const std::int64_t layers = config.num_hidden_layers;
  if (const auto layer = layer_of(parameter.name, "self_attn.v_proj")) {
    if (format.mixes && matters(*layer, layers)) {
      return GgmlType::kQ6_K;
    }
    return format.type == GgmlType::kQ4_K && is_70b(config) ? GgmlType::kQ5_K : format.type;
  }
  if (const auto layer = layer_of(parameter.name, "mlp.down_proj")) {
    if (format.mixes && matters(*layer, layers)) {
      return GgmlType::kQ6_K;
    }
    if (importance && *layer < layers / 8 && format.type == GgmlType::kQ4_0) {
      return GgmlType::kQ4_1;
    }
    if (importance && *layer < layers / 8 && format.type == GgmlType::kQ5_0) {
      return GgmlType::kQ5_1;
    }
  }
  return format.type;
}

GgmlType fitting_gguf_type(GgmlType wanted, std::int64_t columns) {
  const auto fits = [&](GgmlType type) { return columns % block_layout(type)->elements == 0; };
  if (fits(wanted)) {
    return wanted;
  }
  const GgmlType next = wanted == GgmlType::kQ4_K   ? GgmlType::kQ5_0
                        : wanted == GgmlType::kQ5_K ? GgmlType::kQ5_1
                        : wanted == GgmlType::kQ6_K ? GgmlType::kQ8_0
                                                    : GgmlType::kF16;
  return fits(next) ? next : GgmlType::kF16;
}

}  // namespace lore
