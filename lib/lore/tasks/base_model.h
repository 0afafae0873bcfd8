#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "lore/core/messages.h"
#include "lore/nn/llama.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"

namespace lore {

/// A base model on this machine.
struct BaseModel {
  std::filesystem::path path;  ///< folder or GGUF file
  std::string name;            ///< hub id or bare name: what adapters record, never an absolute path
  std::unique_ptr<WeightSource> weights;
  std::unique_ptr<LlamaForCausalLm> model;
};

/// The dtype that `auto` stands for on this machine: bfloat16 where the processor multiplies it natively.
at::ScalarType resolve_dtype(const std::string& name);

/// Finds the model: a folder, a GGUF file, or a hub id in a local cache. Nothing is fetched.
/// Throws: Error kInput.
std::filesystem::path find_base(const ModelSpec& spec, const Environment& environment);

/// What adapters should call the model at `path`, for which the user wrote `written`.
std::string base_name(const std::filesystem::path& path, const std::string& written);

/// What a model is loaded for.
enum class Purpose {
  kMeasuring,  ///< products are those of the decoded weights, in training and evaluation
  kAnswering   ///< products with weights that stay as they are stored may round activations, to be fast
};

/// Loads weights. Throws: Error kInput, kUsage (no such device, or quantized weights on it), kResources when
/// they cannot fit into memory; Interruption once a signal arrived.
BaseModel load_base(const ModelSpec& spec, const std::filesystem::path& path, Purpose purpose,
                    const Environment& environment, Messages& messages);

/// "bfloat16" or "float32", and how weights are held where that is not so: "bfloat16, weights nf4".
std::string describe_dtype(const LlamaForCausalLm& model);

/// Tokens that end an answer: those of the configuration, generation_config.json and the tokenizer.
std::vector<std::int64_t> stop_ids(const BaseModel& base, const class Tokenizer& tokenizer);

}  // namespace lore
