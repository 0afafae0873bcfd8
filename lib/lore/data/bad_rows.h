#pragma once

#include <filesystem>
#include <initializer_list>
#include <string_view>

#include "lore/core/messages.h"
#include "lore/data/dataset.h"

namespace lore {

/// What is done about rows that cannot be used: `data.on_bad_row`.
enum class BadRowPolicy { kError, kSkip };

/// `error` or `skip`. Throws: Error kUsage for anything else.
BadRowPolicy parse_bad_row_policy(std::string_view name);

/// Names the first rows that cannot be used, with how many there are.
/// Throws: Error kInput that lists the first 20 of all data sets, where there are any and the policy is
/// kError.
void report_bad_rows(std::initializer_list<const Dataset*> datasets, BadRowPolicy policy, Messages& messages);

/// Writes every row that is read and not used as JSON lines {"source", "why", "row"}, for the owner alone;
/// `row` is null where a row was left out for what another one says. Writes nothing, and returns 0, when
/// there is none. Throws: Error kResources.
std::int64_t write_rejects(const std::filesystem::path& path, std::initializer_list<const Dataset*> datasets);

}  // namespace lore
