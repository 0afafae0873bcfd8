#pragma once

#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "lore/tasks/logit_difference.h"
#include "lore/tasks/merge_plan.h"
#include "lore/tasks/merge_probe.h"

namespace lore {

/// How the merged model, as written, compares with base + adapter on a probe; all in float32.
struct MergeProof {
  std::string probe;  ///< where the sequences came from
  std::int64_t sequences = 0;
  std::int64_t tokens = 0;
  LogitDifference merged;                        ///< merged against base + adapter
  LogitDifference adapter_effect;                ///< base alone against base + adapter
  std::optional<LogitDifference> base_rounding;  ///< base rounded to the output dtype against base
  double max_abs_bound = 0;                      ///< 0: not bounded
  double kl_bound = 0;

  bool holds() const {
    return std::isfinite(merged.mean_abs) && merged.kl <= kl_bound &&
           (max_abs_bound == 0 || merged.max_abs <= max_abs_bound);
  }
};

/// Opens the merged model in `folder` and runs it beside base + adapter, layer by layer, so that no more
/// than a layer of each is in memory.
///
/// Bounds: for float32, 1e-3 on any logit and 1e-6 on the mean KL divergence; for bfloat16 5e-3 and for
/// float16 1e-3 on the mean KL divergence, plus four times what rounding the base alone costs where the
/// merge changes dtypes.
/// Returns nothing when `stop` ended it. Throws: Error kInput, kResources.
std::optional<MergeProof> prove_merge(const MergeBase& base, const StoredAdapter& adapter,
                                      const MergePlan& plan, const std::filesystem::path& folder,
                                      const MergeProbe& probe, const std::function<bool()>& stop);

}  // namespace lore
