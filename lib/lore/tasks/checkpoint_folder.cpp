#include "lore/tasks/checkpoint_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "lore/formats/json_file.h"

namespace lore {
namespace fs = std::filesystem;

namespace {

constexpr const char* kSealName = "checkpoint.json";
constexpr std::string_view kPrefix = "step-";

std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) {
    return std::nullopt;
  }
  std::int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  return error == std::errc() && stopped == end ? std::optional(step) : std::nullopt;
}

/// The files of a folder and its subfolders, relative to it, without the seal.
std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    if (!entry.is_directory() && name != kSealName) {
      files.push_back(name);
    }
  }
  std::ranges::sort(files);
  return files;
}

/// The validation loss of a checkpoint's own step; nothing where none was measured or the seal is damaged.
std::optional<double> loss_of(const fs::path& checkpoint) {
  try {
    const nlohmann::json loss = read_json_file(checkpoint / kSealName).at("validation_loss");
    return loss.is_number() ? std::optional(loss.get<double>()) : std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

/// Deletes a checkpoint under another name, so that none is ever seen in part. What a kill leaves of it goes
/// with the next run's unfinished folders.
void discard(const fs::path& checkpoint) {
  const fs::path doomed = checkpoint.string() + ".remove";
  std::error_code error;
  fs::remove_all(doomed, error);
  fs::rename(checkpoint, doomed, error);
  fs::remove_all(doomed, error);
}

std::set<std::int64_t> kept_steps(const std::vector<CheckpointPlace>& newest_first,
                                  const TrainingSpec& spec) {
  std::set<std::int64_t> kept;
  std::vector<std::pair<double, std::int64_t>> losses;
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    const auto& [path, step] = newest_first[i];
    const bool is_last = i < static_cast<std::size_t>(spec.keep_last);
    const bool is_every = spec.keep_every > 0 && step % spec.keep_every == 0;
    if (is_last || is_every) {
      kept.insert(step);
    }
    if (const auto loss = loss_of(path)) {
      losses.emplace_back(*loss, step);
    }
  }
  std::ranges::sort(losses);
  for (std::size_t i = 0; i < losses.size() && i < static_cast<std::size_t>(spec.keep_best); ++i) {
    kept.insert(losses[i].second);
  }
  return kept;
}

}  // namespace

fs::path checkpoint_path(const fs::path& run, std::int64_t step) {
  return run / "checkpoints" / fmt::format("{}{:06}", kPrefix, step);
}

std::vector<CheckpointPlace> list_checkpoints(const fs::path& run) {
  std::vector<CheckpointPlace> places;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", error)) {
    if (const auto step = step_of(entry.path().filename().string()); step && entry.is_directory()) {
      places.push_back({entry.path(), *step});
    }
  }
  std::ranges::sort(places, std::ranges::greater(), &CheckpointPlace::step);
  return places;
}

void seal_checkpoint(const fs::path& folder, std::int64_t step, std::optional<double> validation_loss) {
  nlohmann::ordered_json files;
  for (const std::string& name : files_in(folder)) {
    files[name] = {{"sha256", sha256_of_file(folder / name)}, {"bytes", fs::file_size(folder / name)}};
  }
  const nlohmann::ordered_json seal{
      {"format", 1},
      {"step", step},
      {"validation_loss", validation_loss ? nlohmann::ordered_json(*validation_loss) : nullptr},
      {"files", files}};
  write_file_atomically(folder / kSealName, seal.dump(2) + "\n");
}

std::string checkpoint_damage(const fs::path& folder) {
  try {
    const nlohmann::json seal = read_json_file(folder / kSealName);
    if (seal.at("format") != 1) {
      return "checkpoint.json is of a format that this build does not know";
    }
    const auto& files = seal.at("files").get_ref<const nlohmann::json::object_t&>();
    for (const std::string& name : files_in(folder)) {
      if (!files.contains(name)) {
        return name + " does not belong to it";
      }
    }
    for (const auto& [name, facts] : files) {
      if (!fs::is_regular_file(folder / name)) {
        return name + " is missing";
      }
      if (fs::file_size(folder / name) != facts.at("bytes").get<std::uint64_t>()) {
        return name + " does not have the size it was written with";
      }
      if (sha256_of_file(folder / name) != facts.at("sha256").get<std::string>()) {
        return name + " does not have the SHA-256 it was written with";
      }
    }
  } catch (const nlohmann::json::exception&) {
    return "checkpoint.json is not as Lore writes it";
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

std::optional<CheckpointPlace> newest_sound_checkpoint(const fs::path& run, Messages& messages) {
  const std::vector<CheckpointPlace> places = list_checkpoints(run);
  for (const CheckpointPlace& place : places) {
    const std::string damage = checkpoint_damage(place.path);
    if (damage.empty()) {
      return place;
    }
    messages.warning(fmt::format("{}: is damaged and passed over: {}", place.path.string(), damage));
  }
  if (!places.empty()) {
    throw Error(ErrorKind::kInput, (run / "checkpoints").string(),
                "holds no sound checkpoint; train anew with --overwrite");
  }
  return std::nullopt;
}

void rotate_checkpoints(const fs::path& run, std::int64_t newest, const TrainingSpec& spec) {
  std::vector<CheckpointPlace> places = list_checkpoints(run);
  std::erase_if(places, [&](const CheckpointPlace& place) {
    if (place.step > newest) {
      discard(place.path);
    }
    return place.step > newest;
  });
  const std::set<std::int64_t> kept = kept_steps(places, spec);
  for (const CheckpointPlace& place : places) {
    if (!kept.contains(place.step)) {
      discard(place.path);
    }
  }
}

}  // namespace lore
