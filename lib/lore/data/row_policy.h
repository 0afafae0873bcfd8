#pragma once

#include <string_view>

#include "lore/core/messages.h"
#include "lore/data/dataset.h"

namespace lore {

/// What is done with rows that say the same as others: `data.duplicates`, `data.leakage`.
enum class RepeatPolicy { kIgnore, kReport, kDrop, kError };
/// What is done with personal data: `data.pii`.
enum class PersonalDataPolicy { kIgnore, kReport, kMask, kError };

/// Throws: Error kUsage, subject `key`, for a name there is none of.
RepeatPolicy parse_repeat_policy(std::string_view key, std::string_view name);
PersonalDataPolicy parse_personal_data_policy(std::string_view name);

/// Finds the rows of `train` that say the same as an earlier one, exactly or nearly, counts them, names the
/// first and leaves them out where the policy says so. REQUIRES signatures unless the policy is kIgnore.
/// Throws: Error kInput that names the first where the policy is kError.
void apply_duplicates(Dataset& train, RepeatPolicy policy, Messages& messages);

/// The same for rows of `train` that say the same as one of `validation`.
void apply_leakage(Dataset& train, const Dataset& validation, RepeatPolicy policy, Messages& messages);

}  // namespace lore
