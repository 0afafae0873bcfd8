#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "lore/tasks/checkpoint_folder.h"
#include "lore/tasks/run_folder.h"
#include "lore/tasks/run_identity.h"
#include "lore/tasks/run_train.h"

namespace lore {

/// From where a run goes on.
struct ResumePoint {
  std::optional<RunFolder> folder;            ///< of the run that goes on in its own folder
  std::optional<CheckpointPlace> checkpoint;  ///< nothing: from the start
  RunIdentity identity;                       ///< of the checkpoint, or of the run that has finished
  nlohmann::json finished;                    ///< how the run ended (run.json's exit), null where it has not

  bool resumes() const { return checkpoint.has_value() || !finished.is_null(); }
};

/// Looks for what `request` asks to go on from, and takes the run's folder. Throws: Error kRefused where
/// there is no run; kInput for damaged checkpoints; kUsage.
ResumePoint find_resume_point(const TrainRequest& request, Messages& messages);

/// Refuses a run whose identity is `now` where `point` is of another, in more than `allowed` names; looks for
/// the checkpoint of a finished run that goes on for that reason. True when nothing is left to do.
/// Throws: Error kRefused with every difference; kInput, kUsage.
bool settle_resume_point(ResumePoint& point, const RunIdentity& now, const std::vector<std::string>& allowed,
                         Messages& messages);

}  // namespace lore
