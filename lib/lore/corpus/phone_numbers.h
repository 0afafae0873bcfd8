#pragma once

#include <cstddef>
#include <optional>

#include "lore/corpus/number_context.h"

namespace lore {

/// The last group of the telephone number that begins with group `first`, if one does: Chinese mobile and
/// landline numbers, E.164 with `+`, North American ones, British mobile ones, and beside a label any of 7 to
/// 15 digits. Hotlines (400, 95xxx) belong to nobody.
std::optional<std::size_t> match_phone(const NumberContext& context, std::size_t first);

}  // namespace lore
