#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lore/core/folder_lock.h"

namespace lore {

/// The folder a run writes: adapter/, best/, checkpoints/, recipe.yaml, run.json, metrics.jsonl,
/// loss.svg, rejects.jsonl. Locked against other processes as long as the object lives.
class RunFolder {
 public:
  /// Throws: Error kRefused when the folder holds something and `overwrite` is false.
  static void check_free(const std::filesystem::path& path, bool overwrite);

  /// Creates the folder. With `overwrite`, what an earlier run left there is removed, and nothing else.
  /// Throws: Error kRefused as check_free, and when another process writes there; kResources.
  static RunFolder create(std::filesystem::path path, bool overwrite);

  /// Takes the folder of a run that was begun, to go on in it. Throws: Error as create.
  static RunFolder open(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }

  /// Removes what an earlier run left, and nothing else. Throws: Error kResources.
  void clear();

  /// Puts metrics.jsonl and best/ back to what they were when `checkpoint` was made; there is no run.json
  /// until the run ends again. Throws: Error kInput, kResources.
  void go_back_to(const std::filesystem::path& checkpoint);

  void write_text(const std::string& name, const std::string& text) const;
  /// Appends one object to metrics.jsonl. Throws: Error kResources.
  void append_metrics(const nlohmann::ordered_json& object);
  /// metrics.jsonl as it is now.
  const std::string& metrics() const { return metrics_text_; }

 private:
  explicit RunFolder(std::filesystem::path path);

  void open_metrics();

  std::filesystem::path path_;
  FolderLock lock_;
  std::ofstream metrics_;
  std::string metrics_text_;
};

/// Puts the files of folder `from` into the existing folder `to`: links where the file system has them, so
/// that they take no room, else copies. REQUIRES that nobody writes into these files any more.
void link_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace lore
