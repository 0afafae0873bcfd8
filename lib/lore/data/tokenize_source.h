#pragma once

#include <atomic>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "lore/data/example_builder.h"
#include "lore/data/overlong.h"
#include "lore/data/row_policy.h"
#include "lore/data/token_cache.h"
#include "lore/recipe/specs.h"

namespace lore {

/// How the rows of a source are treated on their way to examples.
struct RowSettings {
  std::int64_t max_length = 1024;
  Overlong overlong = Overlong::kError;
  PersonalDataPolicy personal_data = PersonalDataPolicy::kIgnore;
  bool signatures = false;                   ///< keep what finds duplicates
  const std::atomic<int>* signal = nullptr;  ///< ends the reading once it is non-zero
};

/// Reads a source row by row and writes its examples, with `threads` threads and a few rows of each in
/// memory. Returns the summary: {"counts": SourceCounts, "personal_places": ["file:line", ...]}. What is
/// written does not depend on the number of threads. A row that cannot be used is written as bad, whole.
/// Throws: Error kInput for a file that cannot be read at all, kUsage, kResources; Interruption.
nlohmann::ordered_json tokenize_source(const SourceSpec& source, const ExampleBuilder& builder,
                                       const RowSettings& settings, int threads, TokenCacheWriter& writer);

}  // namespace lore
