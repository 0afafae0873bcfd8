#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lore/adapters/lora.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/training_data.h"

namespace lore {

/// Where a trained adapter comes from, for its model card.
struct AdapterOrigin {
  std::string base_name;
  std::string base_sha256;  ///< of the base's tensors
  std::string licence;      ///< of the base, empty where it names none
  std::string dtype;        ///< that the base was computed in
  const Recipe* recipe = nullptr;
  const TrainingData* data = nullptr;
  std::string moment;  ///< "at the end of training", "after step 100"
  std::int64_t steps = 0;
  std::vector<std::pair<double, double>> validation;  ///< step and loss until then
};

/// README.md of an adapter, with the head that the Hugging Face hub reads. No path of this machine is in
/// it.
std::string adapter_card(const LoraAdapter& trained, const LlamaForCausalLm& model,
                         const AdapterOrigin& origin);

}  // namespace lore
