#pragma once

#include <cstddef>
#include <optional>

#include "lore/corpus/number_context.h"
#include "lore/corpus/personal_data.h"

namespace lore {

/// Chinese resident identity cards (GB 11643: 18 digits with their check digit, 15 digits of the old form)
/// and US Social Security numbers that begin with group `first`, and beside a label passports and permits.
std::optional<PersonalDataSpan> match_identity(const NumberContext& context, std::size_t first);

/// Payment cards of 13 to 19 digits with an issuer's prefix and a valid Luhn digit.
std::optional<PersonalDataSpan> match_bank_card(const NumberContext& context, std::size_t first);

}  // namespace lore
