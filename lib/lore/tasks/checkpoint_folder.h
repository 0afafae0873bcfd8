#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/recipe/specs.h"

namespace lore {

/// A checkpoint of a run: RUN/checkpoints/step-000100, an adapter's folder that also holds the state of the
/// training, and last of all checkpoint.json with the SHA-256 of every other file.
struct CheckpointPlace {
  std::filesystem::path path;
  std::int64_t step = 0;
};

/// RUN/checkpoints/step-000100.
std::filesystem::path checkpoint_path(const std::filesystem::path& run, std::int64_t step);

/// The checkpoints in the folder of a run, newest first, sound or not.
std::vector<CheckpointPlace> list_checkpoints(const std::filesystem::path& run);

/// Writes checkpoint.json into a folder whose other files are complete. `validation_loss` is the one measured
/// at that step, if any was. Throws: Error kResources, kInput.
void seal_checkpoint(const std::filesystem::path& folder, std::int64_t step,
                     std::optional<double> validation_loss);

/// What is wrong with a checkpoint; empty when every file is as it was written.
std::string checkpoint_damage(const std::filesystem::path& folder);

/// The newest checkpoint of a run that is sound; warns of those that are not. Nothing where there are none.
/// Throws: Error kInput when there are some and none is sound.
std::optional<CheckpointPlace> newest_sound_checkpoint(const std::filesystem::path& run, Messages& messages);

/// Deletes the checkpoints of a run that `spec` does not keep, and those of a later step than `newest`, the
/// one that was just written: a run that went on from an earlier checkpoint left them.
void rotate_checkpoints(const std::filesystem::path& run, std::int64_t newest, const TrainingSpec& spec);

}  // namespace lore
