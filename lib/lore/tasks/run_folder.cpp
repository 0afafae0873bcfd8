#include "lore/tasks/run_folder.h"

#include <nlohmann/json.hpp>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"

namespace lore {

void RunFolder::check_free(const std::filesystem::path& path, bool overwrite) {
  std::error_code error;
  if (!overwrite && std::filesystem::exists(path) && !std::filesystem::is_empty(path, error)) {
    throw Error(
        ErrorKind::kRefused, path.string(),
        "is not empty; choose another folder with --output, or replace the run in it with --overwrite");
  }
}

RunFolder::RunFolder(std::filesystem::path path, bool overwrite) : path_(std::move(path)) {
  check_free(path_, overwrite);
  create_folders(path_);
  for (const char* name : {"adapter", "best", "checkpoints", "recipe.yaml", "run.json", "metrics.jsonl",
                           "loss.svg", "rejects.jsonl"}) {
    std::error_code error;
    std::filesystem::remove_all(path_ / name, error);
    if (error) {
      throw Error(ErrorKind::kResources, (path_ / name).string(), "cannot be removed: " + error.message());
    }
  }
  metrics_.open(path_ / "metrics.jsonl", std::ios::trunc);
  if (!metrics_) {
    throw Error(ErrorKind::kResources, (path_ / "metrics.jsonl").string(), "cannot be created");
  }
}

void RunFolder::write_text(const std::string& name, const std::string& text) const {
  write_file_atomically(path_ / name, text);
}

void RunFolder::append_metrics(const nlohmann::ordered_json& object) {
  metrics_ << object.dump() << '\n' << std::flush;
  if (!metrics_) {
    throw Error(ErrorKind::kResources, (path_ / "metrics.jsonl").string(),
                "cannot be written (is the disk full?)");
  }
}

}  // namespace lore
