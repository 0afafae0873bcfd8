#include "lore/tasks/base_model.h"

#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/core/interruption.h"
#include "lore/formats/hf_cache.h"
#include "lore/formats/json_file.h"
#include "lore/kernels/matmul.h"
#include "lore/tasks/memory_need.h"
#include "lore/text/tokenizer.h"

namespace lore {
namespace {

at::Device parse_device(const std::string& name) {
  const at::Device device(name);
  if (device.is_cuda() && !at::globalContext().hasCUDA()) {
    throw Error(
        ErrorKind::kUsage, "model.device",
        fmt::format("\"{}\" was asked for, but this build's LibTorch has no CUDA or finds no GPU; use cpu",
                    name));
  }
  return device;
}

/// A source that gives no further tensor once a signal arrived.
class InterruptibleSource final : public WeightSource {
 public:
  InterruptibleSource(const WeightSource& source, const std::atomic<int>* signal)
      : source_(source), signal_(signal) {}

  const LlamaConfig& config() const override { return source_.config(); }
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const override {
    stop_if_signalled();
    return source_.tensor(name, shape, dtype);
  }
  void read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first, std::int64_t count,
                 float* target) const override {
    source_.read_rows(name, shape, first, count, target);
  }
  std::optional<StoredBlocks> blocks(const std::string& name, at::IntArrayRef shape) const override {
    stop_if_signalled();
    return source_.blocks(name, shape);
  }
  std::vector<std::string> unused(const std::vector<std::string>& used) const override {
    return source_.unused(used);
  }
  std::vector<std::filesystem::path> files() const override { return source_.files(); }

 private:
  void stop_if_signalled() const {
    if (signal_ != nullptr && *signal_ != 0) {
      throw Interruption("interrupted while the weights were loaded; nothing was written");
    }
  }

  const WeightSource& source_;
  const std::atomic<int>* signal_;
};

constexpr std::array<std::pair<std::string_view, Quantization>, 5> kQuantizations{{
    {"none", Quantization::kNone},
    {"stored", Quantization::kStored},
    {"int8", Quantization::kInt8},
    {"int4", Quantization::kInt4},
    {"nf4", Quantization::kNf4},
}};

Quantization parse_quantization(const std::string& name) {
  for (const auto& [known, quantization] : kQuantizations) {
    if (name == known) {
      return quantization;
    }
  }
  throw Error(ErrorKind::kUsage, "model.quantization",
              fmt::format("\"{}\" is none of none, stored, int8, int4 and nf4", name));
}

}  // namespace

at::ScalarType resolve_dtype(const std::string& name) {
  if (name == "auto") {
    return has_native_bf16() ? at::kBFloat16 : at::kFloat;
  }
  return name == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

std::filesystem::path find_base(const ModelSpec& spec, const Environment& environment) {
  return find_model(spec.path, std::filesystem::current_path(), environment.cache_roots);
}

std::string base_name(const std::filesystem::path& path, const std::string& written) {
  if (!std::filesystem::exists(written)) {
    return written.substr(0, written.find('@'));  // a hub id
  }
  // A snapshot in a hub cache: .../models--org--name/snapshots/<commit>
  constexpr std::string_view kPrefix = "models--";
  const std::filesystem::path absolute = std::filesystem::absolute(path).lexically_normal();
  const std::string repository = absolute.parent_path().parent_path().filename().string();
  if (absolute.parent_path().filename() == "snapshots" && repository.starts_with(kPrefix)) {
    std::string id = repository.substr(kPrefix.size());
    if (const std::size_t dashes = id.find("--"); dashes != std::string::npos) {
      id.replace(dashes, 2, "/");
    }
    return id;
  }
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

BaseModel load_base(const ModelSpec& spec, const std::filesystem::path& path, Purpose purpose,
                    const Environment& environment, Messages& messages) {
  const at::Device device = parse_device(spec.device);
  const WeightForm form{parse_quantization(spec.quantization), purpose == Purpose::kAnswering};
  if (form.quantization != Quantization::kNone && !device.is_cpu()) {
    throw Error(ErrorKind::kUsage, "model.quantization",
                fmt::format("{} is computed on the CPU alone; leave out model.device, or take none",
                            spec.quantization));
  }
  BaseModel base{path, base_name(path, spec.path), open_weights(path), nullptr};
  for (const std::string& warning : base.weights->config().warnings) {
    messages.warning(warning);
  }
  const at::ScalarType dtype =
      device.is_cuda() && spec.dtype == "auto" ? at::kBFloat16 : resolve_dtype(spec.dtype);
  if (device.is_cpu() && form.quantization == Quantization::kNone) {
    check_weights_fit(weight_bytes(base.weights->config(), dtype), environment.memory_bytes);
  }
  base.model = std::make_unique<LlamaForCausalLm>(InterruptibleSource(*base.weights, environment.signal),
                                                  dtype, device, form);
  return base;
}

std::string describe_dtype(const LlamaForCausalLm& model) {
  std::string text = model.dtype() == at::kBFloat16 ? "bfloat16" : "float32";
  for (const auto& [name, quantization] : kQuantizations) {
    if (quantization == model.form().quantization && quantization != Quantization::kNone) {
      text += fmt::format(", weights {}", quantization == Quantization::kStored ? "as stored" : name);
    }
  }
  return text;
}

std::vector<std::int64_t> stop_ids(const BaseModel& base, const Tokenizer& tokenizer) {
  std::vector<std::int64_t> ids = base.model->config().eos_token_ids;
  if (tokenizer.special_tokens().eos) {
    ids.push_back(*tokenizer.special_tokens().eos);
  }
  const std::filesystem::path generation = base.path / "generation_config.json";
  if (std::filesystem::exists(generation)) {
    const nlohmann::json config = read_json_file(generation);
    const nlohmann::json eos = config.value("eos_token_id", nlohmann::json());
    for (const nlohmann::json& id : eos.is_array() ? eos : nlohmann::json::array({eos})) {
      if (id.is_number_integer()) {
        ids.push_back(id.get<std::int64_t>());
      }
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace lore
