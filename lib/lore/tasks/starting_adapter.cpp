#include "lore/tasks/starting_adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lore/core/error.h"
#include "lore/core/private_path.h"
#include "lore/nn/model_parameters.h"
#include "lore/tasks/adapter_folder.h"
#include "lore/tasks/base_binding.h"

namespace lore {
namespace {

LoraAdapter first_adapter(const Recipe& recipe, const BaseModel& base, Messages& messages) {
  if (recipe.adapter.init_from.empty()) {
    return create_lora(peft_config(recipe.adapter), *base.model, recipe.training.seed);
  }
  LoraAdapter adapter = load_adapter(recipe.adapter.init_from, *base.model, messages);
  if (recipe.adapter.use_dora && !adapter.config.use_dora) {
    throw Error(ErrorKind::kUsage, "adapter.use_dora",
                "is true, and the adapter of adapter.init_from is no DoRA; leave out one of the two");
  }
  adapter.config.lora_dropout = recipe.adapter.lora_dropout;
  for (const std::size_t linear : adapter.weights.linears()) {
    adapter.weights.find(linear)->dropout = recipe.adapter.lora_dropout;
  }
  if (adapter.config.r != recipe.adapter.r || adapter.config.lora_alpha != recipe.adapter.lora_alpha) {
    messages.warning(fmt::format(
        "adapter.init_from: its r {} and lora_alpha {:g} are used, not the recipe's {} and {:g}",
        adapter.config.r, adapter.config.lora_alpha, recipe.adapter.r, recipe.adapter.lora_alpha));
  }
  if (adapter.config.bias != recipe.adapter.bias ||
      adapter.config.modules_to_save != recipe.adapter.modules_to_save) {
    messages.warning(fmt::format(
        "adapter.init_from: its bias {} and modules_to_save [{}] are used, not the recipe's {} and [{}]",
        adapter.config.bias, fmt::join(adapter.config.modules_to_save, ", "), recipe.adapter.bias,
        fmt::join(recipe.adapter.modules_to_save, ", ")));
  }
  return adapter;
}

/// What the adapter will call its base: what the recipe says; else, for one that goes on from another
/// adapter, what that one says, unless it is a path of somebody's machine; else the base's own name.
void name_base(PeftConfig& config, const AdapterSpec& spec, const BaseModel& base) {
  const bool named =
      !config.base_model_name_or_path.empty() && !is_private_path(config.base_model_name_or_path);
  if (!spec.base_model_name_or_path.empty()) {
    config.base_model_name_or_path = spec.base_model_name_or_path;
  } else if (!named) {
    config.base_model_name_or_path = base.name;
    config.revision.clear();
  }
}

/// Embeddings and head are quantized with the rest, and an adapter's folder holds a copy of those it changes:
/// it would bind the adapter to the quantized base.
void refuse_encoded_embeddings(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  const Quantization quantization = model.form().quantization;
  if (quantization == Quantization::kNone || quantization == Quantization::kStored) {
    return;
  }
  const std::size_t head = model.linears().size() - 1;
  const std::size_t embedding = model.linears().size();
  const FullParameters& full = adapter.weights.full();
  if (adapter.weights.find(head) != nullptr || adapter.weights.find(embedding) != nullptr ||
      full.find(kHeadModule, "weight") != nullptr || full.find(kEmbeddingModule, "weight") != nullptr) {
    throw Error(ErrorKind::kUsage, "model.quantization",
                fmt::format("quantizes {} and {}, which the adapter is to change; leave them out of the "
                            "adapter, or take none or stored",
                            kEmbeddingModule, kHeadModule));
  }
}

}  // namespace

LoraAdapter starting_adapter(const Recipe& recipe, const BaseModel& base, Messages& messages) {
  LoraAdapter adapter = first_adapter(recipe, base, messages);
  refuse_encoded_embeddings(adapter, *base.model);
  for (const std::size_t linear : adapter.weights.linears()) {
    adapter.weights.find(linear)->trains_a = !recipe.adapter.freeze_a;
  }
  for (const std::string& warning : adapter_warnings(adapter, *base.model)) {
    messages.warning(warning);
  }
  name_base(adapter.config, recipe.adapter, base);
  return adapter;
}

std::string check_base(const AdapterSpec& spec, const BaseModel& base, bool allowed,
                       const Environment& environment, Messages& messages) {
  if (spec.init_from.empty()) {
    return "";
  }
  const std::optional<BaseBinding> binding = read_base_binding(spec.init_from);
  if (!binding) {
    messages.warning(fmt::format(
        "{} does not record the base it was made on (no lore_manifest.json), so a wrong base cannot be told",
        spec.init_from));
    return "";
  }
  const std::string difference = base_difference(
      *binding, base.name, digest_tensors(base.weights->files(), FileMemo(environment.hash_dir)));
  if (difference.empty()) {
    return "";
  }
  if (!allowed) {
    throw Error(ErrorKind::kRefused, "adapter.init_from",
                difference + "; give that base, or --allow-base-mismatch to train all the same");
  }
  messages.warning(difference + "; training all the same (--allow-base-mismatch)");
  return difference;
}

}  // namespace lore
