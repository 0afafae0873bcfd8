#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "lore/data/batch_plan.h"
#include "lore/data/source_counts.h"

namespace lore {

/// One number that is counted for each source.
struct CountColumn {
  const char* key;      ///< in JSON
  const char* heading;  ///< in tables
  std::int64_t SourceCounts::*value;
  bool always;  ///< shown where it is 0 everywhere, too
};

/// Examples of `from` to `to` tokens.
struct LengthBin {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// How long examples are, in tokens.
struct Lengths {
  std::int64_t shortest = 0;
  std::int64_t median = 0;  ///< the lower one of two
  std::int64_t p95 = 0;     ///< 95 of 100 examples are at most this long
  std::int64_t longest = 0;
  std::vector<std::int64_t> bins;  ///< examples in each bin of the report
};

/// How the examples fill batches.
struct BatchFill {
  BatchOptions options;
  std::int64_t batches = 0;    ///< micro-batches of an epoch
  std::int64_t steps = 0;      ///< optimizer steps of an epoch; 0 where nothing is optimized
  std::int64_t packs = 0;      ///< rows of max_length that hold all examples, whether or not packing is on
  double pack_efficiency = 0;  ///< tokens / (packs x max_length)
  std::int64_t padding_tokens = 0;  ///< that padding each unpacked batch to its longest example would add
};

/// What there is to know of a data set without looking at a text.
struct DataReport {
  struct Source {
    SourceCounts counts;
    Lengths lengths;
  };

  std::vector<Source> sources;
  Source all;
  std::vector<LengthBin> bins;
  BatchFill batches;
};

/// `sources` and, one source after another, the `lengths` of their examples. `options.max_length` is what a
/// pack would hold, also where packing is off. `accumulation_steps`: micro-batches of an optimizer step, 0
/// for validation data. Throws: Error kUsage, as BatchPlan.
DataReport report_data(std::span<const SourceCounts> sources, std::span<const std::int64_t> lengths,
                       const BatchOptions& options, std::int64_t accumulation_steps);

/// The columns that say something of this data set.
std::vector<const CountColumn*> shown_columns(const DataReport& report);

/// {"sources": [{"path", counts.., "lengths": {..}}], "all": {..}, "batches": {..}}
nlohmann::ordered_json to_json(const DataReport& report);

}  // namespace lore
