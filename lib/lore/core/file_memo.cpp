#include "lore/core/file_memo.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "lore/core/error.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

/// A file's times are not to be trusted while a second change could give the same.
constexpr std::time_t kYoungSeconds = 5;

/// What tells one state of the files from another without reading them.
struct FileState {
  std::string text;
  std::time_t changed = 0;  ///< the last change of any of them
};

std::optional<FileState> state_of(std::string_view what, const std::vector<fs::path>& files) {
  FileState state{fmt::format("{}\n", what)};
  for (const fs::path& file : files) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) {
      return std::nullopt;
    }
    state.text += fmt::format("{} {} {} {}.{:09} {}.{:09} {}\n", info.st_dev, info.st_ino, info.st_size,
                              info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                              info.st_ctim.tv_nsec, fs::absolute(file).string());
    state.changed = std::max({state.changed, info.st_mtim.tv_sec, info.st_ctim.tv_sec});
  }
  return state;
}

}  // namespace

std::string FileMemo::get(std::string_view what, const std::vector<fs::path>& files,
                          const std::function<std::string()>& compute) const {
  const std::optional<FileState> state = state_of(what, files);
  if (!state || !memo_.keeps()) {
    return compute();
  }
  std::string names(what);
  for (const fs::path& file : files) {
    names += '\n' + fs::absolute(file).string();
  }
  if (auto known = memo_.find(names, state->text)) {
    return std::move(*known);
  }
  const std::time_t start = std::time(nullptr);
  std::string result = compute();
  const std::optional<FileState> after = state_of(what, files);
  if (!after || after->text != state->text) {
    throw Error(ErrorKind::kInput, files.front().string(),
                "changed while it was read; wait until it is written");
  }
  if (!result.empty() && start - state->changed >= kYoungSeconds) {
    memo_.keep(names, state->text, result);
  }
  return result;
}

}  // namespace lore
