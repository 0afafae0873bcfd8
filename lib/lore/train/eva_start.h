#pragma once

#include <atomic>

#include "lore/adapters/lora.h"
#include "lore/core/messages.h"
#include "lore/data/dataset.h"
#include "lore/recipe/specs.h"

namespace lore {

/// Gives a fresh `adapter` the start that EVA (adapters/eva.h) finds in the batches of the first epoch, gone
/// through again and again until the components settle. Leaves it as it is when `signal` becomes non-zero.
/// Throws: Error kUsage as Eva, and when the batches are too small or the components do not settle.
void start_with_eva(LoraAdapter& adapter, const LlamaForCausalLm& model, const Dataset& train,
                    const Recipe& recipe, Messages& messages, const std::atomic<int>& signal);

}  // namespace lore
