#include "lore/tasks/resume_point.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lore/core/error.h"
#include "lore/formats/json_file.h"

namespace lore {
namespace fs = std::filesystem;

namespace {

RunIdentity identity_in(const fs::path& checkpoint) {
  try {
    return read_json_file(checkpoint / "identity.json").get<RunIdentity>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kInput, (checkpoint / "identity.json").string(), "is not as Lore writes it");
  }
}

/// run.json of a run that came to its end; null of one that did not.
nlohmann::json finished_run(const fs::path& folder) {
  if (!fs::exists(folder / "run.json")) {
    return nullptr;
  }
  nlohmann::json run = read_json_file(folder / "run.json");
  const std::string reason = run.value("exit", nlohmann::json::object()).value("reason", "");
  const bool ended = reason == "finished" || reason == "early_stopping";
  return ended && run.contains("identity") && fs::exists(folder / "adapter") ? run : nullptr;
}

void find_in_run(const fs::path& output, ResumePoint& point, Messages& messages) {
  const nlohmann::json run = finished_run(output);
  if (!run.is_null()) {
    point.finished = run.at("exit");
    point.identity = run.at("identity").get<RunIdentity>();
    return;
  }
  point.checkpoint = newest_sound_checkpoint(output, messages);
  if (point.checkpoint) {
    point.identity = identity_in(point.checkpoint->path);
  } else {
    messages.warning(
        fmt::format("{}: the run in it wrote no checkpoint yet; it starts at step 0 again", output.string()));
  }
}

CheckpointPlace sound_checkpoint(const fs::path& path) {
  if (!fs::exists(path)) {
    throw Error(ErrorKind::kInput, path.string(), "does not exist");
  }
  if (!list_checkpoints(path).empty()) {
    throw Error(
        ErrorKind::kUsage, "--resume-from",
        fmt::format("{} is a run; give one of its checkpoints/, or --resume for its newest", path.string()));
  }
  if (const std::string damage = checkpoint_damage(path); !damage.empty()) {
    throw Error(ErrorKind::kInput, path.string(), "is no sound checkpoint: " + damage);
  }
  return {path, read_json_file(path / "checkpoint.json").at("step").get<std::int64_t>()};
}

}  // namespace

ResumePoint find_resume_point(const TrainRequest& request, Messages& messages) {
  const fs::path output = request.recipe.output_dir;
  ResumePoint point;
  if (!request.resume_from.empty()) {
    const fs::path run = fs::weakly_canonical(request.resume_from).parent_path().parent_path();
    if (run == fs::weakly_canonical(output)) {
      point.folder.emplace(RunFolder::open(output));
    } else {
      RunFolder::check_free(output, request.overwrite);
    }
    point.checkpoint = sound_checkpoint(request.resume_from);
    point.identity = identity_in(point.checkpoint->path);
    return point;
  }
  std::error_code error;
  if (!request.resume || !fs::exists(output) || fs::is_empty(output, error)) {
    RunFolder::check_free(output, request.overwrite);
    if (request.resume) {
      messages.info(
          fmt::format("{}: there is nothing to go on with; the run starts at step 0", output.string()));
    }
    return point;
  }
  if (!fs::exists(output / "recipe.yaml") && !fs::exists(output / "metrics.jsonl")) {
    throw Error(ErrorKind::kRefused, output.string(),
                "is not empty and holds no run to go on with; choose another folder with --output");
  }
  point.folder.emplace(RunFolder::open(output));
  find_in_run(output, point, messages);
  return point;
}

bool settle_resume_point(ResumePoint& point, const RunIdentity& now, const std::vector<std::string>& allowed,
                         Messages& messages) {
  check_allowed(point.identity, now, allowed);
  const std::string before = point.checkpoint ? point.checkpoint->path.string()
                                              : fmt::format("{} (finished)", point.folder->path().string());
  const std::vector<std::string> refused = identity_differences(point.identity, now, allowed);
  if (!refused.empty()) {
    throw Error(ErrorKind::kRefused, before,
                fmt::format("this run would not go on as that one:\n  {}\ngo on all the same with "
                            "--resume-anyway KEY... (a key above, or its section), or train anew",
                            fmt::join(refused, "\n  ")));
  }
  const std::vector<std::string> differences = identity_differences(point.identity, now, {});
  for (const std::string& difference : differences) {
    messages.warning(fmt::format("{}; going on all the same (--resume-anyway)", difference));
  }
  if (point.finished.is_null()) {
    return false;
  }
  if (differences.empty()) {
    return true;
  }
  point.checkpoint = newest_sound_checkpoint(point.folder->path(), messages);
  if (!point.checkpoint) {
    throw Error(ErrorKind::kRefused, before,
                "has no checkpoint to go on from; train anew, from its adapter with adapter.init_from");
  }
  return false;
}

}  // namespace lore
