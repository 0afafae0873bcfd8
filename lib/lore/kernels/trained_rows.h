#pragma once

#include <cstdint>
#include <vector>

namespace lore {

/// Bytes of float32 logits that exist at a time.
inline constexpr std::int64_t kLogitsBytes = 64 << 20;

/// The rows of a batch that carry a label.
struct TrainedRows {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> labels;  ///< of those rows
};

/// Throws: Error(kInternal) in the name of `operation` for a label outside [0, vocabulary).
TrainedRows trained_rows(const std::vector<std::int32_t>& labels, std::int64_t vocabulary,
                         const char* operation);

}  // namespace lore
