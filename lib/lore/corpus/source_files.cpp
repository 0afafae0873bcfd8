#include "lore/corpus/source_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/suggestion.h"
#include "lore/corpus/container.h"
#include "lore/corpus/name_pattern.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestShownPath = 4096;
constexpr std::size_t kDeepestFolder = 64;

std::string shown(const fs::path& path) { return printable(path.string(), kLongestShownPath); }

/// Where a path starts.
fs::path start(const fs::path& path) { return path.has_root_path() ? path.root_path() : fs::path("."); }

/// Device and number: what a file or folder is, however many names lead to it.
using Identity = std::pair<dev_t, ino_t>;

Identity identity(const fs::path& path) {
  struct stat about = {};
  return stat(path.c_str(), &about) == 0 ? Identity{about.st_dev, about.st_ino} : Identity{};
}

/// The entries of a folder, sorted bytewise.
std::vector<fs::path> entries(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  std::vector<fs::path> paths;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    paths.push_back(entry->path());
  }
  if (error) {
    throw Error(ErrorKind::kInput, shown(folder), "cannot be read: " + error.message());
  }
  std::ranges::sort(paths, {}, [](const fs::path& path) { return path.string(); });
  return paths;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// " There is NAME." of the entry whose name is nearest, or nothing.
std::string nearest_entry(const fs::path& folder, const std::string& name) {
  std::vector<std::string> names;
  for (const fs::path& entry : entries(folder)) {
    names.push_back(entry.filename().string());
  }
  const std::string nearest = nearest_name(name, names);
  return nearest.empty() ? "" : fmt::format("; there is {}", in_quotes(nearest));
}

/// Collects files, each once.
class Found {
 public:
  void add(const fs::path& file) {
    if (seen_.insert(identity(file)).second) {
      files_.push_back(file.string());
    }
  }
  bool empty() const { return files_.empty(); }
  std::vector<std::string> sorted() {
    std::ranges::sort(files_);
    return std::move(files_);
  }

 private:
  std::set<Identity> seen_;
  std::vector<std::string> files_;
};

/// Every folder below `folder` and itself, hidden ones left out. A link to a folder above is not followed,
/// nor is anything below a folder for which `visit` returns false.
class FolderWalk {
 public:
  template <class Visit>
  void each(const fs::path& folder, const Visit& visit) {
    const Identity self = identity(folder);
    if (above_.size() >= kDeepestFolder || std::ranges::find(above_, self) != above_.end()) {
      return;
    }
    above_.push_back(self);
    const std::vector<fs::path> inner = visit(folder) ? entries(folder) : std::vector<fs::path>();
    for (const fs::path& entry : inner) {
      if (!entry.filename().string().starts_with('.') && is_folder(entry)) {
        each(entry, visit);
      }
    }
    above_.pop_back();
  }

 private:
  std::vector<Identity> above_;
};

/// What a folder's name stands for: data files, not what is written about them.
bool is_data_file(const fs::path& path) {
  const std::string name = path.filename().string();
  return !name.starts_with('.') && !name.starts_with("README") && !name.starts_with("LICENSE") &&
         is_data_name(name) && is_file(path);
}

std::vector<std::string> files_below(const fs::path& folder) {
  Found found;
  std::set<Identity> been;
  FolderWalk().each(folder, [&](const fs::path& inner) {
    if (!been.insert(identity(inner)).second) {
      return false;
    }
    for (const fs::path& entry : entries(inner)) {
      if (is_data_file(entry)) {
        found.add(entry);
      }
    }
    return true;
  });
  if (found.empty()) {
    throw Error(
        ErrorKind::kInput, shown(folder),
        "the folder holds no data file (.jsonl, .json, .csv, .tsv, .txt, .md, .tbx, each also as .gz or "
        ".zst); a file with another name is named by its path or by a pattern");
  }
  std::vector<std::string> files = found.sorted();
  const auto is_prose = [](const std::string& file) { return is_text_name(file); };
  const auto prose = std::ranges::find_if(files, is_prose);
  const auto rows = std::ranges::find_if_not(files, is_prose);
  if (prose != files.end() && rows != files.end()) {
    throw Error(
        ErrorKind::kInput, shown(folder),
        fmt::format("the folder holds both plain text ({}) and rows ({}), which are not of one form; name "
                    "the files by a pattern",
                    in_quotes(fs::path(*prose).filename().string()),
                    in_quotes(fs::path(*rows).filename().string())));
  }
  return files;
}

/// Walks the parts of a pattern.
class PatternWalk {
 public:
  explicit PatternWalk(const fs::path& pattern) {
    for (const fs::path& part : pattern.relative_path()) {
      parts_.push_back(part.string());
    }
  }

  void match(const fs::path& folder, std::size_t part) {
    // Several `**` reach a folder on many ways.
    if (!been_.insert({folder.string(), part}).second) {
      return;
    }
    const std::string& pattern = parts_[part];
    const bool is_last = part + 1 == parts_.size();
    if (pattern == "**") {
      FolderWalk().each(folder, [&](const fs::path& inner) {
        if (is_last) {
          match_entries(inner, "*", [&](const fs::path& entry) { take(entry); });
        } else {
          match(inner, part + 1);
        }
        return true;
      });
      return;
    }
    const auto go_on = [&](const fs::path& entry) {
      if (is_last) {
        take(entry);
      } else if (is_folder(entry)) {
        match(entry, part + 1);
      }
    };
    if (is_pattern(pattern)) {
      match_entries(folder, pattern, go_on);
    } else if (is_there(folder / pattern)) {
      go_on(folder / pattern);
    }
  }

  bool met_folder() const { return met_folder_; }
  Found& found() { return found_; }
  const std::vector<std::string>& parts() const { return parts_; }

 private:
  template <class Visit>
  void match_entries(const fs::path& folder, const std::string& pattern, const Visit& visit) {
    for (const fs::path& entry : entries(folder)) {
      if (matches_name(pattern, entry.filename().string())) {
        visit(entry);
      }
    }
  }

  void take(const fs::path& entry) {
    if (is_folder(entry)) {
      met_folder_ = true;
    } else {
      found_.add(entry);
    }
  }

  std::vector<std::string> parts_;
  std::set<std::pair<std::string, std::size_t>> been_;
  Found found_;
  bool met_folder_ = false;
};

std::vector<std::string> files_matching(const fs::path& pattern) {
  PatternWalk walk(pattern);
  walk.match(start(pattern), 0);
  if (!walk.found().empty()) {
    return walk.found().sorted();
  }
  if (walk.met_folder()) {
    throw Error(ErrorKind::kInput, shown(pattern),
                "only folders match the pattern; add `/**` for the files below them");
  }
  // The first part that leads nowhere, where that is no pattern itself.
  fs::path folder = start(pattern);
  std::string missing;
  for (const std::string& part : walk.parts()) {
    if (is_pattern(part) || !is_folder(folder / part)) {
      missing = part;
      break;
    }
    folder /= part;
  }
  throw Error(ErrorKind::kInput, shown(pattern),
              is_pattern(missing)
                  ? fmt::format("no file matches the pattern{}", nearest_entry(folder, missing))
                  : fmt::format("no file matches the pattern: no folder {} in {}{}", in_quotes(missing),
                                in_quotes(folder.string()), nearest_entry(folder, missing)));
}

[[noreturn]] void refuse_missing(const fs::path& path) {
  const fs::path relative = path.relative_path();
  fs::path folder = start(path);
  for (auto part_at = relative.begin(); part_at != relative.end(); ++part_at) {
    const fs::path& part = *part_at;
    if (!is_there(folder / part)) {
      const bool is_last = std::next(part_at) == relative.end();
      const std::string nearest = is_folder(folder) ? nearest_entry(folder, part.string()) : "";
      throw Error(ErrorKind::kInput, shown(path),
                  is_last ? "no such file or folder" + nearest
                          : fmt::format("no folder {} in {}{}", in_quotes(part.string()),
                                        in_quotes(folder.string()), nearest));
    }
    folder /= part;
  }
  throw Error(ErrorKind::kInput, shown(path), "no such file or folder");
}

}  // namespace

std::vector<std::string> source_files(const std::string& path) {
  if (is_there(path)) {
    return is_folder(path) ? files_below(path) : std::vector{path};
  }
  if (is_pattern(path)) {
    return files_matching(path);
  }
  refuse_missing(path);
}

}  // namespace lore
