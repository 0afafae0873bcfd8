#pragma once

#include <string>

#include "lore/adapters/lora.h"
#include "lore/core/messages.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/environment.h"

namespace lore {

/// The adapter that a recipe starts to train, before EVA: a fresh one, or that of adapter.init_from; with the
/// name that it gives its base. Throws: Error kUsage, kInput.
LoraAdapter starting_adapter(const Recipe& recipe, const BaseModel& base, Messages& messages);

/// Refuses to go on training an adapter (init_from) on another base than the one it was made on, unless that
/// is `allowed`. Returns in what the base differs where it was. Throws: Error kRefused, kInput.
std::string check_base(const AdapterSpec& spec, const BaseModel& base, bool allowed,
                       const Environment& environment, Messages& messages);

}  // namespace lore
