#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lore {

/// The folder a run writes: adapter/, best/, checkpoints/, recipe.yaml, run.json, metrics.jsonl,
/// loss.svg, rejects.jsonl.
class RunFolder {
 public:
  /// Throws: Error kRefused when the folder holds something and `overwrite` is false.
  static void check_free(const std::filesystem::path& path, bool overwrite);

  /// Creates the folder. With `overwrite`, what an earlier run left there is removed, and nothing else.
  /// Throws: Error kRefused as check_free; kResources.
  RunFolder(std::filesystem::path path, bool overwrite);

  const std::filesystem::path& path() const { return path_; }
  void write_text(const std::string& name, const std::string& text) const;
  /// Appends one object to metrics.jsonl. Throws: Error kResources.
  void append_metrics(const nlohmann::ordered_json& object);

 private:
  std::filesystem::path path_;
  std::ofstream metrics_;
};

}  // namespace lore
