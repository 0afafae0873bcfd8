#include "lore/nn/layer_loading.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/nn/encoded_matrix.h"

namespace lore {

at::Tensor ParameterLoader::vector(const std::string& name, std::int64_t size) {
  return vectors_[name] = source_.tensor(name, {size}, dtype_).to(device_);
}

BaseWeight ParameterLoader::matrix(const std::string& name, std::int64_t out, std::int64_t in) {
  const std::vector<std::int64_t> shape{out, in};
  if (form_.quantization == Quantization::kStored) {
    if (std::optional<StoredBlocks> blocks = source_.blocks(name, shape)) {
      return matrices_[name] = BaseWeight(
                 std::make_shared<StoredMatrix>(out, in, std::move(*blocks), form_.int8_activations), dtype_);
    }
  } else if (form_.quantization != Quantization::kNone) {
    return matrices_[name] =
               BaseWeight(encode_matrix(name, out, in, form_.quantization,
                                        [&](std::int64_t first, std::int64_t count, float* target) {
                                          source_.read_rows(name, shape, first, count, target);
                                        }),
                          dtype_);
  }
  return matrices_[name] = BaseWeight(source_.tensor(name, shape, dtype_).to(device_));
}

Linear ParameterLoader::linear(const std::string& name, std::size_t index, std::int64_t out, std::int64_t in,
                               bool bias) {
  Linear result{name, index, matrix(name + ".weight", out, in), {}};
  if (bias) {
    result.bias = vector(name + ".bias", out);
  }
  return result;
}

Norm ParameterLoader::norm(const std::string& name, std::int64_t size, double eps) {
  return {name, vector(name + ".weight", size), eps};
}

void ParameterLoader::refuse_unused() const {
  std::vector<std::string> used;
  for (const auto& [name, tensor] : vectors_) {
    used.push_back(name);
  }
  for (const auto& [name, weight] : matrices_) {
    used.push_back(name);
  }
  const std::vector<std::string> names = source_.unused(used);
  if (!names.empty()) {
    throw Error(ErrorKind::kInput, source_.files().front().string(),
                fmt::format("holds {} tensor(s) that are not part of architecture {}, the first is {}",
                            names.size(), source_.config().model_type, names.front()));
  }
}

std::unique_ptr<DecoderLayer> load_decoder_layer(ParameterLoader& loader, const LlamaConfig& config,
                                                 std::size_t layer) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const std::string attention = prefix + "self_attn.";
  const std::string mlp = prefix + "mlp.";
  const std::int64_t d = config.hidden_size;
  const std::int64_t q = config.query_size();
  const std::int64_t kv = config.key_value_size();
  const std::int64_t f = config.intermediate_size;
  constexpr std::size_t kLinearsPerLayer = 7;
  const std::size_t first = layer * kLinearsPerLayer;
  auto result = std::make_unique<DecoderLayer>();
  result->input_layernorm = loader.norm(prefix + "input_layernorm", d, config.rms_norm_eps);
  result->self_attn.q_proj = loader.linear(attention + "q_proj", first, q, d, config.qkv_bias);
  result->self_attn.k_proj = loader.linear(attention + "k_proj", first + 1, kv, d, config.qkv_bias);
  result->self_attn.v_proj = loader.linear(attention + "v_proj", first + 2, kv, d, config.qkv_bias);
  result->self_attn.o_proj = loader.linear(attention + "o_proj", first + 3, d, q, config.output_bias);
  if (config.qk_norm) {
    result->self_attn.q_norm = loader.norm(attention + "q_norm", config.head_dim, config.rms_norm_eps);
    result->self_attn.k_norm = loader.norm(attention + "k_norm", config.head_dim, config.rms_norm_eps);
  }
  result->self_attn.layer = layer;
  result->self_attn.num_heads = config.num_attention_heads;
  result->self_attn.num_key_value_heads = config.num_key_value_heads;
  result->self_attn.head_dim = config.head_dim;
  result->self_attn.window = config.window[layer];
  result->post_attention_layernorm = loader.norm(prefix + "post_attention_layernorm", d, config.rms_norm_eps);
  result->mlp.gate_proj = loader.linear(mlp + "gate_proj", first + 4, f, d, config.mlp_bias);
  result->mlp.up_proj = loader.linear(mlp + "up_proj", first + 5, f, d, config.mlp_bias);
  result->mlp.down_proj = loader.linear(mlp + "down_proj", first + 6, d, f, config.mlp_bias);
  return result;
}

}  // namespace lore
