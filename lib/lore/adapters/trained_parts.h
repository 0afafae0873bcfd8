#pragma once

#include <string>
#include <vector>

#include "lore/adapters/module_matching.h"
#include "lore/nn/model_parameters.h"

namespace lore {

/// A parameter of the base that an adapter brings whole.
struct TrainedPart {
  ParameterShape parameter;
  std::string stored;  ///< its key in adapter_model.safetensors
};

/// The parameters that `config` trains whole, in the order of the model: every one inside a module whose name
/// ends with an item of modules_to_save, and the biases that `bias` names. A tied output head counts as a
/// module of its own, as in PEFT. Keys are those of peft 0.21.2's get_peft_model_state_dict.
///
/// `adapted` are the names of the modules that have a low-rank update.
/// Throws: Error kUsage for an item that matches nothing that can be trained (with the nearest name), and for
/// modules inside one another.
std::vector<TrainedPart> trained_parts(const PeftConfig& config, const LlamaConfig& model,
                                       const std::vector<std::string>& adapted);

/// What a user should know of these parts before training: biases that are not there, and embeddings and a
/// tied head that drift apart.
std::vector<std::string> trained_part_warnings(const PeftConfig& config, const LlamaConfig& model,
                                               const std::vector<std::string>& adapted);

}  // namespace lore
