#include "lore/adapters/lora.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "lore/adapters/base_initialization.h"
#include "lore/adapters/module_matching.h"
#include "lore/adapters/trained_parts.h"
#include "lore/core/error.h"
#include "lore/core/philox.h"

namespace lore {
namespace {

/// Philox stream numbers below this one are left to other uses of the seed.
constexpr std::uint64_t kInitStreams = std::uint64_t{1} << 32;

template <class Draw>
at::Tensor drawn(at::IntArrayRef shape, Draw draw) {
  at::Tensor matrix = at::empty(shape, at::kFloat);
  float* value = matrix.data_ptr<float>();
  for (std::int64_t i = 0; i < matrix.numel(); ++i) {
    value[i] = draw();
  }
  return matrix;
}

at::Tensor initial_a(std::int64_t rank, std::int64_t in, bool gaussian, PhiloxStream random) {
  const float bound = 1.0F / std::sqrt(static_cast<float>(in));
  return drawn({rank, in}, [&] {
    return gaussian ? random.normal() / static_cast<float>(rank) : (2.0F * random.uniform() - 1.0F) * bound;
  });
}

/// A out of the odd rows of an orthogonal matrix and B out of its even ones: neither is zero, and B A is.
StartingPair orthogonal_pair(std::int64_t rank, std::int64_t in, std::int64_t out, PhiloxStream random) {
  if (rank % 2 != 0) {
    throw Error(ErrorKind::kUsage, "adapter.init_lora_weights",
                fmt::format("orthogonal needs an even rank, got {}", rank));
  }
  const auto normal = [&](std::int64_t rows, std::int64_t columns) {
    return drawn({rows, columns}, [&] { return random.normal(); });
  };
  const at::Tensor q = std::get<0>(at::linalg_qr(normal(rank, rank)));
  const at::Tensor a = at::matmul(q.slice(0, 0, rank, 2).t(), normal(rank / 2, in)).div_(10);
  return {a.contiguous(), at::matmul(normal(out, rank / 2), q.slice(0, 1, rank, 2)).div_(10).contiguous()};
}

/// A and B of one module before training, and what they leave of the base.
LowRank initial_low_rank(const std::variant<bool, std::string>& init, const MatchedModule& module,
                         const at::Tensor& weight, std::uint64_t seed) {
  const std::uint64_t stream = kInitStreams + module.linear;
  const auto* name = std::get_if<std::string>(&init);
  LowRank low_rank;
  low_rank.scale = module.scale;
  if (starts_from_base(init)) {
    const StartingPair pair = starting_pair(*name, weight, module.rank, module.scale, seed, stream);
    low_rank.a = pair.a.clone();
    low_rank.b = pair.b.clone();
    low_rank.residual = residual_of(weight, pair, module.scale);
  } else if (name != nullptr && *name == "orthogonal") {
    const StartingPair pair =
        orthogonal_pair(module.rank, weight.size(1), weight.size(0), PhiloxStream(seed, stream));
    low_rank.a = pair.a.to(weight.device());
    low_rank.b = pair.b.to(weight.device());
  } else {
    low_rank.a = initial_a(module.rank, weight.size(1), name != nullptr && *name == "gaussian",
                           PhiloxStream(seed, stream))
                     .to(weight.device());
    low_rank.b =
        at::zeros({weight.size(0), module.rank}, at::TensorOptions(at::kFloat).device(weight.device()));
  }
  return low_rank;
}

/// On the embeddings PEFT's lora_embedding_B, our A, is normal, and the other zero.
LowRank initial_embedding(const MatchedModule& module, const at::Tensor& weight, std::uint64_t seed) {
  PhiloxStream random(seed, kInitStreams + module.linear);
  LowRank low_rank;
  low_rank.scale = module.scale;
  low_rank.a = drawn({module.rank, weight.size(1)}, [&] { return random.normal(); }).to(weight.device());
  low_rank.b =
      at::zeros({weight.size(0), module.rank}, at::TensorOptions(at::kFloat).device(weight.device()));
  return low_rank;
}

void refuse_on_embeddings(const PeftConfig& config) {
  const auto refuse = [](const char* key, std::string_view what) {
    throw Error(
        ErrorKind::kUsage, key,
        fmt::format("{} is not supported on embed_tokens; leave that module out of target_modules", what));
  };
  if (config.use_dora) {
    refuse("adapter.use_dora", "DoRA");
  }
  if (starts_from_base(config.init_lora_weights) || starts_from_data(config.init_lora_weights)) {
    refuse("adapter.init_lora_weights", std::get<std::string>(config.init_lora_weights));
  }
}

std::vector<std::string> adapted_names(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  const std::vector<std::string> modules = adaptable_names(model.config());
  std::vector<std::string> names;
  for (const std::size_t module : adapter.weights.linears()) {
    names.push_back(modules[module]);
  }
  return names;
}

}  // namespace

PeftConfig peft_config(const AdapterSpec& spec) {
  PeftConfig config;
  config.task_type = spec.task_type;
  config.base_model_name_or_path = spec.base_model_name_or_path;
  config.r = spec.r;
  config.lora_alpha = spec.lora_alpha;
  config.lora_dropout = spec.lora_dropout;
  std::visit([&](const auto& modules) { config.target_modules = modules; }, spec.target_modules);
  if (spec.exclude_modules) {
    std::visit([&](const auto& modules) { config.exclude_modules = modules; }, *spec.exclude_modules);
  }
  if (!spec.layers_to_transform.empty()) {
    config.layers_to_transform = spec.layers_to_transform;
  }
  config.layers_pattern = spec.layers_pattern;
  config.rank_pattern = spec.rank_pattern;
  config.alpha_pattern = spec.alpha_pattern;
  config.bias = spec.bias;
  config.modules_to_save = spec.modules_to_save;
  config.use_rslora = spec.use_rslora;
  config.use_dora = spec.use_dora;
  config.init_lora_weights = spec.init_lora_weights;
  return config;
}

std::vector<std::string> adaptable_names(const LlamaConfig& config) {
  std::vector<std::string> names;
  for (LinearShape& module : adaptable_modules(config)) {
    names.push_back(std::move(module.name));
  }
  return names;
}

LoraAdapter create_lora(const PeftConfig& config, const LlamaForCausalLm& model, std::uint64_t seed) {
  const std::vector<LinearShape> modules = adaptable_modules(model.config());
  LoraAdapter adapter{config, AdapterSet(modules.size())};
  std::vector<std::string> adapted;
  for (const MatchedModule& module : match_modules(config, adaptable_names(model.config()))) {
    const LinearShape& shape = modules[module.linear];
    const bool embeds = shape.name == kEmbeddingModule;
    if (embeds) {
      refuse_on_embeddings(config);
    }
    const at::Tensor weight = model.parameter(shape.name + ".weight");
    LowRank low_rank = embeds ? initial_embedding(module, weight, seed)
                              : initial_low_rank(config.init_lora_weights, module, weight, seed);
    low_rank.dropout = config.lora_dropout;
    if (config.use_dora) {
      low_rank.magnitude = updated_row_norms(low_rank.base(BaseWeight(weight)).dense(), low_rank.b,
                                             low_rank.a, low_rank.scale);
    }
    adapter.weights.set(module.linear, std::move(low_rank));
    adapted.push_back(shape.name);
  }
  for (const TrainedPart& part : trained_parts(config, model.config(), adapted)) {
    // A copy: the base's own may be a read-only file.
    adapter.weights.full().add(part.parameter.name,
                               model.parameter(part.parameter.name).to(at::kFloat, false, /*copy=*/true));
  }
  adapter.weights.refresh(model.dtype(), model.linears());
  return adapter;
}

std::string describe_modules(std::span<const std::string> names) {
  std::map<std::string, int> counts;
  for (const std::string& name : names) {
    ++counts[name.substr(name.rfind('.') + 1)];
  }
  std::string text;
  for (const auto& [leaf, count] : counts) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", leaf, count);
  }
  return text;
}

std::string describe_full(std::span<const std::string> parameters) {
  std::map<std::string, int> whole;
  std::set<std::string> modules;
  for (const std::string& parameter : parameters) {
    if (parameter.ends_with(".weight")) {
      const std::string module = parameter.substr(0, parameter.rfind('.'));
      ++whole[module.substr(module.rfind('.') + 1)];
      modules.insert(module);
    }
  }
  // The bias of a module that is trained whole counts with the module.
  const auto biases = std::count_if(parameters.begin(), parameters.end(), [&](const std::string& parameter) {
    return parameter.ends_with(".bias") && !modules.contains(parameter.substr(0, parameter.rfind('.')));
  });
  std::string text;
  for (const auto& [leaf, count] : whole) {
    text += fmt::format("{}{}{}", text.empty() ? "; full: " : ", ", leaf,
                        count > 1 ? fmt::format(" x {}", count) : "");
  }
  return biases > 0 ? fmt::format("{}; bias x {}", text, biases) : text;
}

std::string describe_modules(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  std::vector<std::string> full;
  for (const FullParameter& parameter : adapter.weights.full().list()) {
    full.push_back(parameter.name);
  }
  return describe_modules(adapted_names(adapter, model)) + describe_full(full);
}

std::vector<std::string> adapter_warnings(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  return trained_part_warnings(adapter.config, model.config(), adapted_names(adapter, model));
}

}  // namespace lore
