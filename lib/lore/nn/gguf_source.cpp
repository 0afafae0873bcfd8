#include "lore/nn/gguf_source.h"

#include <ATen/ops/empty.h>
#include <c10/util/BFloat16.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lore/codecs/ggml_blocks.h"
#include "lore/codecs/half.h"
#include "lore/core/error.h"
#include "lore/kernels/parallel.h"

namespace lore {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kLayerNames{{
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"input_layernorm", "attn_norm"},
    {"post_attention_layernorm", "ffn_norm"},
}};

}  // namespace

std::int64_t interleaved_row(std::int64_t row, std::int64_t head_dim) {
  const std::int64_t within = row % head_dim;
  const std::int64_t half = head_dim / 2;
  return row - within + (within % half) * 2 + within / half;
}

std::int64_t deinterleaved_row(std::int64_t row, std::int64_t head_dim) {
  const std::int64_t within = row % head_dim;
  return row - within + (within % 2) * (head_dim / 2) + within / 2;
}

bool gguf_interleaves(const LlamaConfig& config, const std::string& hf_name) {
  return (config.model_type == "llama" || config.model_type == "mistral") &&
         (hf_name.find("self_attn.q_proj.") != std::string::npos ||
          hf_name.find("self_attn.k_proj.") != std::string::npos);
}

std::string gguf_tensor_name(const std::string& hf_name) {
  if (hf_name == "model.embed_tokens.weight") {
    return "token_embd.weight";
  }
  if (hf_name == "model.norm.weight") {
    return "output_norm.weight";
  }
  if (hf_name == "lm_head.weight") {
    return "output.weight";
  }
  constexpr std::string_view kPrefix = "model.layers.";
  if (!hf_name.starts_with(kPrefix)) {
    return "";
  }
  const std::size_t dot = hf_name.find('.', kPrefix.size());
  const std::size_t last = hf_name.rfind('.');
  if (dot == std::string::npos || last <= dot) {
    return "";
  }
  const std::string_view module = std::string_view(hf_name).substr(dot + 1, last - dot - 1);
  for (const auto& [hf, gguf] : kLayerNames) {
    if (module == hf) {
      return fmt::format("blk.{}.{}{}", hf_name.substr(kPrefix.size(), dot - kPrefix.size()), gguf,
                         hf_name.substr(last));
    }
  }
  return "";
}

GgufSource::GgufSource(const std::filesystem::path& file)
    : path_(file), file_(GgufFile::open(file)), config_(LlamaConfig::from_gguf(file_, file.string())) {
  for (const GgufTensor& tensor : file_.tensors()) {
    if (!can_decode(tensor.type)) {
      throw Error(
          ErrorKind::kInput, file.string(),
          fmt::format("tensor {} is stored as {}, which is not supported as a base; supported are F32, F16, "
                      "BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K",
                      tensor.name, name_of(tensor.type)));
    }
  }
}

const GgufTensor& GgufSource::find(const std::string& name, at::IntArrayRef shape) const {
  const std::string stored_name = gguf_tensor_name(name);
  const GgufTensor* stored = file_.find(stored_name);
  if (stored == nullptr) {
    throw Error(ErrorKind::kInput, path_.string(), fmt::format("tensor {} is missing", stored_name));
  }
  if (!shape.equals(stored->shape)) {
    throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: tensor {}", path_.string(), stored_name),
                          fmt::format("[{}]", fmt::join(shape, ",")),
                          fmt::format("[{}]", fmt::join(stored->shape, ",")));
  }
  return *stored;
}

at::Tensor GgufSource::tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const {
  const std::int64_t rows = shape.size() == 2 ? shape[0] : 1;
  const std::int64_t columns = shape.size() == 2 ? shape[1] : shape[0];
  find(name, shape);  // refuses before any thread starts
  at::Tensor result = at::empty(shape, at::TensorOptions(dtype));
  const auto decode_rows = [&](std::int64_t begin, std::int64_t end) {
    if (dtype == at::kFloat) {
      read_rows(name, shape, begin, end - begin, result.data_ptr<float>() + begin * columns);
      return;
    }
    constexpr std::int64_t kRows = 32;
    std::vector<float> values(static_cast<std::size_t>(kRows * columns));
    for (std::int64_t row = begin; row < end; row += kRows) {
      const std::int64_t count = std::min(kRows, end - row);
      read_rows(name, shape, row, count, values.data());
      auto* target = reinterpret_cast<std::uint16_t*>(result.data_ptr<c10::BFloat16>()) + row * columns;
      std::transform(values.begin(), values.begin() + count * columns, target, bfloat16_from_float);
    }
  };
  parallel_for(0, rows, std::max<std::int64_t>(1, 65536 / columns), decode_rows);
  return result;
}

void GgufSource::read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first,
                           std::int64_t count, float* target) const {
  const GgufTensor& stored = find(name, shape);
  const bool interleaved = gguf_interleaves(config_, name);
  if (shape.size() == 1 && !interleaved) {
    decode(stored.type, stored.bytes, {target, static_cast<std::size_t>(shape[0])});
    return;
  }
  // A bias of q or k is interleaved too, element by element.
  const std::int64_t columns = shape.size() == 2 ? shape[1] : 1;
  const std::int64_t end = shape.size() == 2 ? first + count : shape[0];
  const auto row_bytes = stored.bytes.size() / static_cast<std::size_t>(shape[0]);
  for (std::int64_t row = shape.size() == 2 ? first : 0; row < end; ++row, target += columns) {
    const std::int64_t source = interleaved ? interleaved_row(row, config_.head_dim) : row;
    decode(stored.type, stored.bytes.subspan(static_cast<std::size_t>(source) * row_bytes, row_bytes),
           {target, static_cast<std::size_t>(columns)});
  }
}

std::optional<StoredBlocks> GgufSource::blocks(const std::string& name, at::IntArrayRef shape) const {
  const GgufTensor& stored = find(name, shape);
  if (stored.type == GgmlType::kF32 || stored.type == GgmlType::kF16 || stored.type == GgmlType::kBF16) {
    return std::nullopt;
  }
  if (!gguf_interleaves(config_, name)) {
    return StoredBlocks{stored.type, stored.bytes, file_.file()};
  }
  const auto rows = static_cast<std::size_t>(shape[0]);
  const std::size_t row_bytes = stored.bytes.size() / rows;
  auto copy = std::make_shared<std::vector<std::byte>>(stored.bytes.size());
  for (std::size_t row = 0; row < rows; ++row) {
    const auto source =
        static_cast<std::size_t>(interleaved_row(static_cast<std::int64_t>(row), config_.head_dim));
    std::copy_n(stored.bytes.begin() + static_cast<std::ptrdiff_t>(source * row_bytes), row_bytes,
                copy->begin() + static_cast<std::ptrdiff_t>(row * row_bytes));
  }
  return StoredBlocks{stored.type, *copy, copy};
}

std::vector<std::string> GgufSource::unused(const std::vector<std::string>& used) const {
  std::vector<std::string> stored_names;
  stored_names.reserve(used.size());
  for (const std::string& name : used) {
    stored_names.push_back(gguf_tensor_name(name));
  }
  std::vector<std::string> names;
  for (const GgufTensor& tensor : file_.tensors()) {
    if (tensor.name != "rope_freqs.weight" &&
        std::find(stored_names.begin(), stored_names.end(), tensor.name) == stored_names.end()) {
      names.push_back(tensor.name);
    }
  }
  return names;
}

}  // namespace lore
