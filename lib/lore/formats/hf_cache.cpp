#include "lore/formats/hf_cache.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/printable.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

struct HubId {
  std::string organization;
  std::string name;
  std::string revision;
};

bool is_id_part(std::string_view part) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !part.empty() && part.size() <= 96 && std::all_of(part.begin(), part.end(), allowed) &&
         part.find("--") == std::string_view::npos && part.find("..") == std::string_view::npos &&
         part.front() != '.' && part.front() != '-' && part.back() != '.' && part.back() != '-';
}

bool is_revision(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.front() != '/' &&
         text.find("..") == std::string_view::npos &&
         text.find_first_of(std::string_view("\\\0", 2)) == std::string_view::npos;
}

std::optional<HubId> parse_hub_id(const std::string& text) {
  const std::size_t at = text.find('@');
  const std::string id = text.substr(0, at);
  const std::size_t slash = id.find('/');
  if (slash == std::string::npos) {
    return std::nullopt;
  }
  HubId result{id.substr(0, slash), id.substr(slash + 1),
               at == std::string::npos ? "main" : text.substr(at + 1)};
  const bool valid =
      is_id_part(result.organization) && is_id_part(result.name) && is_revision(result.revision);
  return valid ? std::optional(result) : std::nullopt;
}

/// The commit that `refs/<revision>` names, else `revision` itself.
std::string commit_of(const fs::path& repository, const std::string& revision) {
  const fs::path reference = repository / "refs" / revision;
  std::error_code ignored;
  if (!fs::is_regular_file(reference, ignored)) {
    return revision;
  }
  const auto file = MappedFile::open(reference);
  std::string_view commit = file->text();
  commit = commit.substr(0, commit.find_last_not_of(" \t\r\n") + 1);
  if (!is_id_part(commit)) {
    throw Error(ErrorKind::kInput, reference.string(),
                fmt::format("does not hold a commit: {}", in_quotes(commit)));
  }
  return std::string(commit);
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The snapshot's folder in one cache root; else nothing, and a line in `looked` that says why.
std::optional<fs::path> find_in_cache(const HubId& id, const fs::path& root,
                                      std::vector<std::string>& looked) {
  const fs::path repository = root / fmt::format("models--{}--{}", id.organization, id.name);
  std::error_code ignored;
  if (!fs::is_directory(repository, ignored)) {
    looked.push_back(repository.string());
    return std::nullopt;
  }
  const fs::path snapshot = repository / "snapshots" / commit_of(repository, id.revision);
  if (!fs::is_directory(snapshot, ignored)) {
    const auto present = names_in(repository / "snapshots");
    looked.push_back(fmt::format("{}, which lacks the revision {} and has {}", repository.string(),
                                 in_quotes(id.revision),
                                 present.empty() ? "none" : fmt::format("{}", fmt::join(present, ", "))));
    return std::nullopt;
  }
  if (!fs::exists(snapshot / "config.json", ignored)) {
    looked.push_back(
        fmt::format("{}, which has no config.json (an unfinished download?)", snapshot.string()));
    return std::nullopt;
  }
  return snapshot;
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  for (const std::string& name : names_in(folder)) {
    if (name.ends_with(".gguf")) {
      throw Error(ErrorKind::kInput, folder.string(),
                  fmt::format("has no config.json, but a GGUF file: give {}", (folder / name).string()));
    }
  }
  throw Error(ErrorKind::kInput, folder.string(),
              "has no config.json; give a Hugging Face model folder, a .gguf file or a hub id");
}

/// The path without "x/.." and trailing "/", where that names the same file.
fs::path tidy(const fs::path& path) {
  fs::path normal = path.lexically_normal();
  if (!normal.has_filename()) {
    normal = normal.parent_path();
  }
  std::error_code error;
  return fs::equivalent(normal, path, error) && !error ? normal : path;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

void check_link(const fs::path& link, const fs::path& folder, const fs::path& blobs) {
  std::error_code error;
  const fs::path target = fs::weakly_canonical(link, error);
  if (error) {
    throw Error(ErrorKind::kInput, link.string(),
                "is a symbolic link that cannot be followed: " + error.message());
  }
  if (!is_inside(target, folder) && (blobs.empty() || !is_inside(target, blobs))) {
    throw Error(
        ErrorKind::kInput, link.string(),
        fmt::format(
            "is a symbolic link out of the model folder, to {}; copy the file into the folder, or give "
            "the folder it lies in",
            target.string()));
  }
}

}  // namespace

void check_links(const fs::path& folder) {
  const fs::path root = fs::weakly_canonical(folder);
  const fs::path repository = root.parent_path().parent_path();
  const bool snapshot =
      root.parent_path().filename() == "snapshots" && fs::is_directory(repository / "blobs");
  const fs::path blobs = snapshot ? repository / "blobs" : fs::path();
  try {
    for (const auto& entry : fs::directory_iterator(root)) {
      if (entry.is_symlink()) {
        check_link(entry.path(), root, blobs);
      } else if (entry.is_directory() && !entry.path().filename().string().starts_with('.')) {
        for (const auto& inner : fs::directory_iterator(entry.path())) {
          if (inner.is_symlink()) {
            check_link(inner.path(), root, blobs);
          }
        }
      }
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::kInput, folder.string(), "cannot be read: " + error.code().message());
  }
}

fs::path find_model(const std::string& path_or_id, const fs::path& recipe_folder,
                    const std::vector<fs::path>& cache_roots) {
  if (path_or_id.empty()) {
    throw Error(ErrorKind::kInput, "", "no model is given: a folder, a .gguf file or a hub id");
  }
  fs::path path = tidy(recipe_folder / path_or_id);
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    if (!fs::exists(path / "config.json", ignored)) {
      refuse_folder(path);
    }
    check_links(path);
    return path;
  }
  if (fs::is_regular_file(path, ignored)) {
    if (path.extension() == ".gguf") {
      return path;
    }
    throw Error(ErrorKind::kInput, path.string(),
                "is not a model; give a Hugging Face model folder, a .gguf file or a hub id");
  }

  const auto id = parse_hub_id(path_or_id);
  if (!id) {
    throw Error(ErrorKind::kInput, printable(path_or_id, 512),
                fmt::format("no such model: there is no folder or .gguf file {}", path.string()));
  }
  std::vector<std::string> looked{path.string()};
  for (const fs::path& root : cache_roots) {
    if (const auto snapshot = find_in_cache(*id, root, looked)) {
      check_links(*snapshot);
      return *snapshot;
    }
  }
  const std::string revision = id->revision == "main" ? "" : " --revision " + printable(id->revision);
  throw Error(
      ErrorKind::kInput, path_or_id,
      fmt::format(
          "is not on this machine (looked at {}); nothing is fetched: run `hf download {}/{}{}` where there "
          "is a network and copy the cache here, or give the model's folder",
          fmt::join(looked, "; "), id->organization, id->name, revision));
}

}  // namespace lore
