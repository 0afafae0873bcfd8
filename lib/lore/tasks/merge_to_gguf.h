#pragma once

#include <optional>
#include <string>

#include "lore/tasks/convert_model.h"
#include "lore/tasks/logit_difference.h"
#include "lore/tasks/run_merge.h"

namespace lore {

/// What came of a merge into a GGUF file.
struct GgufMerge {
  MergeOutcome merge;  ///< of the float32 model, proved; its folder is the file's name
  Conversion file;
  std::optional<LogitDifference> rounding;  ///< the file against the float32 model; nothing without proof
};

/// Merges as run_merge does, in float32, into a folder beside the output that goes again, and writes the
/// result as the GGUF file `request.output` of the type `to` ("gguf:q8_0"): each number is rounded once, to
/// that type. Nothing when a signal ended it. The file appears only when it is complete.
/// Throws: Error as run_merge and convert_to_gguf; kUsage when `request.dtype` asks for another dtype.
std::optional<GgufMerge> merge_to_gguf(const MergeRequest& request, const std::string& to,
                                       const Environment& environment, Messages& messages);

}  // namespace lore
