#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lore/core/memo.h"

namespace lore {

/// Remembers what was computed from the content of files, by the files' paths, inodes, sizes and times, so
/// that a big file is read once. A folder that cannot be written remembers nothing.
class FileMemo {
 public:
  /// `folder` as for Memo; empty: nothing is remembered.
  explicit FileMemo(std::filesystem::path folder) : memo_(std::move(folder)) {}

  /// What `compute` makes of `files`, or made of them before. `what` names the computation. Not kept: an
  /// empty result, and one of files that were changed within the last seconds, whose times could stand for
  /// two states. Throws: Error kInput when a file changed while it was read, and what `compute` throws.
  std::string get(std::string_view what, const std::vector<std::filesystem::path>& files,
                  const std::function<std::string()>& compute) const;

 private:
  Memo memo_;
};

}  // namespace lore
