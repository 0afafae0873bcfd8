#include "lore/tasks/convert_adapter.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/adapters/stored_adapter.h"
#include "lore/codecs/ggml_blocks.h"
#include "lore/codecs/ggml_encode.h"
#include "lore/core/error.h"
#include "lore/formats/json_file.h"
#include "lore/nn/gguf_source.h"
#include "lore/nn/llama_config_to_gguf.h"
#include "lore/tasks/adapter_limits.h"
#include "lore/tasks/adapter_targets.h"
#include "lore/tasks/merge_plan.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

LlamaConfig read_config(const fs::path& model) {
  if (fs::is_directory(model)) {
    const fs::path file = model / "config.json";
    return LlamaConfig::from_hf(read_json_file(file), file.string());
  }
  return LlamaConfig::from_gguf(GgufFile::open(model), model.string());
}

/// One alpha for all modules, by which alpha / rank is each one's scale; nothing when there is none.
std::optional<double> common_alpha(const StoredAdapter& adapter) {
  std::optional<double> alpha;
  for (const StoredLowRank& module : adapter.modules()) {
    const double own = module.scale * static_cast<double>(module.rank());
    if (alpha && std::abs(own - *alpha) > 1e-12 * std::abs(*alpha)) {
      return std::nullopt;
    }
    alpha = alpha.value_or(own);
  }
  return *alpha == 0 ? std::nullopt : alpha;  // llama.cpp takes an alpha of 0 for a scale of 1
}

/// Rows of `matrix` where llama.cpp expects them, or back.
at::Tensor reorder(const at::Tensor& matrix, std::int64_t head_dim,
                   std::int64_t (*place)(std::int64_t, std::int64_t)) {
  at::Tensor result = at::empty_like(matrix);
  for (std::int64_t row = 0; row < matrix.size(0); ++row) {
    result.select(0, place(row, head_dim)).copy_(matrix.select(0, row));
  }
  return result;
}

std::span<const float> values_of(const at::Tensor& matrix) {
  return {matrix.const_data_ptr<float>(), static_cast<std::size_t>(matrix.numel())};
}

void write_matrix(GgufWriter& writer, std::size_t place, const at::Tensor& matrix) {
  const GgufTensorSpec& spec = writer.tensors()[place];
  std::vector<std::byte> blocks(byte_size(spec));
  if (!encode(spec.type, values_of(matrix), blocks)) {
    throw Error(ErrorKind::kRefused, fmt::format("tensor {}", spec.name),
                fmt::format("holds a value that is too large for {}; choose another type, as gguf:f32",
                            name_of(spec.type)));
  }
  writer.write(place, 0, blocks);
}

/// The two matrices of a module as llama.cpp takes them: A [r, in] and B [out, r]. It looks rows of the
/// embeddings' up by token, so there they are B [V, r] and the transposed A [D, r].
struct GgufPair {
  at::Tensor a;
  at::Tensor b;
};

GgufPair to_gguf_pair(const LowRank& low_rank, const std::string& module) {
  return module == kEmbeddingModule ? GgufPair{low_rank.b, low_rank.a.t().contiguous()}
                                    : GgufPair{low_rank.a, low_rank.b};
}

PlainLora from_gguf_pair(const GgufPair& pair, const std::string& module) {
  return module == kEmbeddingModule ? PlainLora{module, pair.b.t().contiguous(), pair.a}
                                    : PlainLora{module, pair.a, pair.b};
}

/// The shapes of the same.
std::array<std::vector<std::int64_t>, 2> gguf_shapes(const LinearShape& module, std::int64_t rank) {
  using Shape = std::vector<std::int64_t>;
  return module.name == kEmbeddingModule ? std::array{Shape{module.out, rank}, Shape{module.in, rank}}
                                         : std::array{Shape{rank, module.in}, Shape{module.out, rank}};
}

/// In a model with a tied head llama.cpp has one tensor for both, and takes an update of either for one of
/// both, or stops.
void refuse_on_tied(const std::string& module, const LlamaConfig& config, const fs::path& adapter) {
  if (config.tie_word_embeddings && (module == kHeadModule || module == kEmbeddingModule)) {
    throw Error(
        ErrorKind::kRefused, adapter.string(),
        fmt::format("adapts {}, and head and embeddings of the base are tied: llama.cpp has one tensor "
                    "for the two and cannot tell them apart; merge the adapter into its base with lore "
                    "merge instead",
                    module));
  }
}

std::string tensor_of(const LinearShape& linear) { return gguf_tensor_name(linear.name + ".weight"); }

/// A matrix of a GGUF adapter as float32, checked.
at::Tensor read_matrix(const GgufFile& file, const std::string& name, std::set<std::string>& taken) {
  const GgufTensor* tensor = file.find(name);
  const std::string subject = fmt::format("{}: tensor {}", file.file()->path().string(), name);
  if (tensor == nullptr) {
    throw Error(ErrorKind::kInput, subject, "is missing");
  }
  if (tensor->shape.size() != 2 || !can_decode(tensor->type)) {
    throw Error::mismatch(ErrorKind::kInput, subject, "a matrix of a type that Lore reads",
                          fmt::format("[{}] of {}", fmt::join(tensor->shape, ","), name_of(tensor->type)));
  }
  at::Tensor matrix = at::empty(tensor->shape, at::kFloat);
  decode(tensor->type, tensor->bytes, {matrix.data_ptr<float>(), static_cast<std::size_t>(matrix.numel())});
  if (!at::isfinite(matrix).all().item<bool>()) {
    throw Error(ErrorKind::kInput, subject, "holds NaN or infinite values");
  }
  taken.insert(name);
  return matrix;
}

void check_gguf_adapter(const GgufFile& file, const LlamaConfig& config, const fs::path& path) {
  const auto text = [&](const char* key) { return file.text(key).value_or(""); };
  if (text("general.type") != "adapter" || text("adapter.type") != "lora") {
    throw Error(ErrorKind::kInput, path.string(),
                "is not a GGUF LoRA adapter (general.type \"adapter\", adapter.type \"lora\")");
  }
  if (text("general.architecture") != gguf_architecture(config)) {
    throw Error::mismatch(ErrorKind::kInput, path.string() + ": general.architecture",
                          fmt::format("\"{}\", the base's", gguf_architecture(config)),
                          fmt::format("\"{}\"", text("general.architecture")));
  }
  if (file.has("adapter.alora.invocation_tokens")) {
    throw Error(ErrorKind::kRefused, path.string(), "is an activated LoRA, which Lore does not support");
  }
}

void refuse_leftovers(const GgufFile& file, const std::set<std::string>& taken) {
  for (const GgufTensor& tensor : file.tensors()) {
    if (!taken.contains(tensor.name)) {
      throw Error(ErrorKind::kInput, fmt::format("{}: tensor {}", file.file()->path().string(), tensor.name),
                  "belongs to no module of the base that can be adapted");
    }
  }
}

}  // namespace

Conversion convert_adapter_to_gguf(const fs::path& adapter, const fs::path& base,
                                   const std::string& base_name, GgmlType type, const fs::path& output) {
  refuse_more_than_lora(adapter, "a GGUF adapter");
  const LlamaConfig config = read_config(base);
  const std::vector<LinearShape> linears = adaptable_modules(config);
  Conversion result;
  result.what = "adapter";
  const StoredAdapter stored = StoredAdapter::open(adapter, linears, result.warnings);
  const std::optional<double> alpha = common_alpha(stored);

  std::vector<GgufTensorSpec> specs;
  specs.reserve(2 * stored.modules().size());
  for (const StoredLowRank& module : stored.modules()) {
    const LinearShape& linear = linears[module.linear];
    refuse_on_tied(linear.name, config, adapter);
    const auto shapes = gguf_shapes(linear, module.rank());
    for (const auto& [suffix, shape] : {std::pair(".lora_a", shapes[0]), std::pair(".lora_b", shapes[1])}) {
      const GgmlType stored_type = fitting_gguf_type(type, shape.back());
      specs.push_back({tensor_of(linear) + suffix, stored_type, shape});
      if (stored_type != type) {
        result.fallbacks.push_back({specs.back().name, type, stored_type});
      }
      result.bytes += byte_size(specs.back());
    }
  }
  GgufMetadata metadata;
  metadata.text("general.architecture", gguf_architecture(config));
  metadata.text("general.type", "adapter");
  metadata.text("general.name", output.stem().string());
  metadata.number("general.base_model.count", std::uint32_t{1});
  metadata.text("general.base_model.0.name", base_name);
  metadata.text("adapter.type", "lora");
  if (alpha) {
    metadata.number("adapter.lora.alpha", static_cast<float>(*alpha));
  }
  GgufWriter writer(output, metadata, std::move(specs));
  for (std::size_t i = 0; i < stored.modules().size(); ++i) {
    const StoredLowRank& module = stored.modules()[i];
    LowRank low_rank = stored.read(module);
    if (!alpha) {
      low_rank.b.mul_(module.scale);
    }
    if (gguf_interleaves(config, linears[module.linear].name + ".weight")) {
      low_rank.b = reorder(low_rank.b, config.head_dim, interleaved_row);
    }
    const GgufPair pair = to_gguf_pair(low_rank, linears[module.linear].name);
    write_matrix(writer, 2 * i, pair.a);
    write_matrix(writer, 2 * i + 1, pair.b);
  }
  writer.commit();
  result.type = name_of(type);
  result.tensors = writer.tensors().size();
  return result;
}

Conversion convert_adapter_to_peft(const fs::path& gguf, const fs::path& base, const std::string& base_name,
                                   const fs::path& folder) {
  const LlamaConfig config = read_config(base);
  const GgufFile file = GgufFile::open(gguf);
  check_gguf_adapter(file, config, gguf);
  const double alpha = file.real("adapter.lora.alpha").value_or(0);
  std::set<std::string> taken;
  std::vector<PlainLora> modules;
  const std::vector<LinearShape> linears = adaptable_modules(config);
  for (const LinearShape& linear : linears) {
    const std::string name = tensor_of(linear);
    if (file.find(name + ".lora_a") == nullptr && file.find(name + ".lora_b") == nullptr) {
      continue;
    }
    PlainLora module = from_gguf_pair(
        {read_matrix(file, name + ".lora_a", taken), read_matrix(file, name + ".lora_b", taken)},
        linear.name);
    const std::int64_t rank = module.a.size(0);
    if (rank < 1 || module.a.size(1) != linear.in || module.b.size(0) != linear.out ||
        module.b.size(1) != rank) {
      throw Error(
          ErrorKind::kInput, fmt::format("{}: tensor {}", gguf.string(), name),
          fmt::format("A [{}] and B [{}] do not fit the base's [{},{}]", fmt::join(module.a.sizes(), ","),
                      fmt::join(module.b.sizes(), ","), linear.out, linear.in));
    }
    if (gguf_interleaves(config, linear.name + ".weight")) {
      module.b = reorder(module.b, config.head_dim, deinterleaved_row);
    }
    module.scale = alpha == 0 ? 1.0 : alpha / static_cast<double>(rank);
    modules.push_back(std::move(module));
  }
  refuse_leftovers(file, taken);
  if (modules.empty()) {
    throw Error(ErrorKind::kInput, gguf.string(), "holds no LoRA matrices");
  }
  std::vector<std::string> names;
  names.reserve(linears.size());
  for (const LinearShape& linear : linears) {
    names.push_back(linear.name);
  }
  Conversion result;
  result.what = "adapter";
  PeftConfig written = targets_of(modules, names);
  describe_ranks(written, modules);
  written.base_model_name_or_path = base_name;
  write_plain_lora(folder, written, modules);
  result.type = "F32";
  result.tensors = 2 * modules.size();
  for (const PlainLora& module : modules) {
    result.bytes += static_cast<std::uint64_t>(module.a.nbytes() + module.b.nbytes());
  }
  result.files = {"adapter_config.json"};
  return result;
}

}  // namespace lore
