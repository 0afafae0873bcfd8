#include "lore/core/file_memo.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/sha256.h"

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

/// What was kept at `path` for this state; nothing where there is none or it is damaged.
std::optional<std::string> read_kept(const fs::path& path, const std::string& state) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t check = sha256_hex(std::string_view()).size();
  if (text.size() <= check + state.size() || text.compare(check, state.size(), state) != 0 ||
      text.compare(0, check, sha256_hex(std::string_view(text).substr(check))) != 0) {
    return std::nullopt;
  }
  return text.substr(check + state.size());
}

void keep(const fs::path& path, const std::string& state, const std::string& result) {
  std::error_code error;
  if (fs::create_directories(path.parent_path(), error)) {
    fs::permissions(path.parent_path(), fs::perms::owner_all, error);
  }
  try {
    const std::string text = state + result;
    write_file_atomically(path, sha256_hex(text) + text, FileAccess::kOwner);
  } catch (const Error&) {
    return;  // what cannot be kept is computed again
  }
}

}  // namespace

std::string FileMemo::get(std::string_view what, const std::vector<fs::path>& files,
                          const std::function<std::string()>& compute) const {
  const std::optional<FileState> state = state_of(what, files);
  if (!state || folder_.empty()) {
    return compute();
  }
  std::string names(what);
  for (const fs::path& file : files) {
    names += '\n' + fs::absolute(file).string();
  }
  const fs::path kept = folder_ / (sha256_hex(names) + kEnding);
  if (const auto known = read_kept(kept, state->text)) {
    return *known;
  }
  const std::time_t start = std::time(nullptr);
  std::string result = compute();
  const std::optional<FileState> after = state_of(what, files);
  if (!after || after->text != state->text) {
    throw Error(ErrorKind::kInput, files.front().string(),
                "changed while it was read; wait until it is written");
  }
  if (!result.empty() && start - state->changed >= kYoungSeconds) {
    keep(kept, state->text, result);
  }
  return result;
}

}  // namespace lore
