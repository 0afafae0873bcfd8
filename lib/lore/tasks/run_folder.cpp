#include "lore/tasks/run_folder.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>

#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"

namespace lore {
namespace fs = std::filesystem;

namespace {

void remove_whole(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) {
    throw Error(ErrorKind::kResources, path.string(), "cannot be removed: " + error.message());
  }
}

/// Removes what a killed run left half written, in the folder and among its checkpoints.
void remove_unfinished(const fs::path& run) {
  const std::regex unfinished(
      R"((adapter|best|step-\d+)\.[A-Za-z0-9]{6}(\.old)?|(recipe\.yaml|run\.json|metrics\.jsonl|loss\.svg|rejects\.jsonl)\.[A-Za-z0-9]{6}\.tmp)");
  for (const fs::path& folder : {run, run / "checkpoints"}) {
    std::error_code error;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (std::regex_match(entry.path().filename().string(), unfinished)) {
        found.push_back(entry.path());
      }
    }
    for (const fs::path& path : found) {
      remove_whole(path);
    }
  }
}

}  // namespace

void RunFolder::check_free(const fs::path& path, bool overwrite) {
  std::error_code error;
  if (!overwrite && fs::exists(path) && !fs::is_empty(path, error)) {
    throw Error(
        ErrorKind::kRefused, path.string(),
        "is not empty; go on with the run in it with --resume, replace it with --overwrite, or choose "
        "another folder with --output");
  }
}

RunFolder::RunFolder(fs::path path) : path_(std::move(path)), lock_(path_) {}

RunFolder RunFolder::create(fs::path path, bool overwrite) {
  check_free(path, overwrite);
  create_folders(path);
  RunFolder folder(std::move(path));
  folder.clear();
  return folder;
}

RunFolder RunFolder::open(fs::path path) { return RunFolder(std::move(path)); }

void RunFolder::clear() {
  remove_unfinished(path_);
  for (const char* name : {"adapter", "best", "checkpoints", "recipe.yaml", "run.json", "metrics.jsonl",
                           "loss.svg", "rejects.jsonl"}) {
    remove_whole(path_ / name);
  }
  open_metrics();
}

void RunFolder::open_metrics() {
  metrics_.open(path_ / "metrics.jsonl", std::ios::app);
  if (!metrics_) {
    throw Error(ErrorKind::kResources, (path_ / "metrics.jsonl").string(), "cannot be created");
  }
}

void RunFolder::go_back_to(const fs::path& checkpoint) {
  std::ifstream file(checkpoint / "metrics.jsonl", std::ios::binary);
  metrics_text_.assign(std::istreambuf_iterator<char>(file), {});
  if (!file) {
    throw Error(ErrorKind::kInput, (checkpoint / "metrics.jsonl").string(), "cannot be read");
  }
  remove_unfinished(path_);
  remove_whole(path_ / "run.json");
  if (fs::exists(checkpoint / "best")) {
    AtomicFolder best(path_ / "best");
    link_files(checkpoint / "best", best.staging());
    best.commit();
  } else {
    remove_whole(path_ / "best");
  }
  metrics_.close();
  write_text("metrics.jsonl", metrics_text_);
  open_metrics();
}

void RunFolder::write_text(const std::string& name, const std::string& text) const {
  write_file_atomically(path_ / name, text);
}

void RunFolder::append_metrics(const nlohmann::ordered_json& object) {
  if (!lock_.is_at(path_)) {
    throw Error(ErrorKind::kResources, path_.string(),
                "is gone: it was removed, moved or unmounted while the run wrote there");
  }
  const std::string line = object.dump() + "\n";
  metrics_ << line << std::flush;
  if (!metrics_) {
    throw Error(ErrorKind::kResources, (path_ / "metrics.jsonl").string(),
                "cannot be written (is the disk full?)");
  }
  metrics_text_ += line;
}

void link_files(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path target = to / entry.path().filename();
    std::error_code error;
    fs::create_hard_link(entry.path(), target, error);
    if (error) {
      fs::copy_file(entry.path(), target, error);
    }
    if (error) {
      throw Error(ErrorKind::kResources, target.string(), "cannot be written: " + error.message());
    }
  }
}

}  // namespace lore
