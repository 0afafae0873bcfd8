#include "lore/kernels/trained_rows.h"

#include "lore/kernels/checks.h"
#include "lore/kernels/cross_entropy.h"

namespace lore {

TrainedRows trained_rows(const std::vector<std::int32_t>& labels, std::int64_t vocabulary,
                         const char* operation) {
  TrainedRows trained;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == kIgnoredLabel) {
      continue;
    }
    check_argument(labels[i] >= 0 && labels[i] < vocabulary, operation, "labels in [0, V)");
    trained.rows.push_back(static_cast<std::int64_t>(i));
    trained.labels.push_back(labels[i]);
  }
  return trained;
}

}  // namespace lore
