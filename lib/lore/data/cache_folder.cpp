#include "lore/data/cache_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>
#include <vector>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/file_memo.h"
#include "lore/core/sha256.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kCacheEnding = ".tokens";
constexpr const char* kTemporaryEnding = ".tmp";
/// A temporary file without a lock is young while its maker has not come to lock it.
constexpr std::time_t kYoungSeconds = 5;

fs::path cache_path(const fs::path& folder, const std::string& key) { return folder / (key + kCacheEnding); }

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

[[noreturn]] void fail(const fs::path& path, const char* action) {
  throw Error(
      ErrorKind::kResources, path.string(),
      fmt::format("cannot be {}: {}; set data.cache_dir to another folder", action, std::strerror(errno)));
}

int duplicate(int descriptor) {
  const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) {
    throw Error(ErrorKind::kResources, "a token cache",
                std::string("cannot be opened: ") + std::strerror(errno));
  }
  return copy;
}

/// Removes `path` unless a process holds it locked. A lock on what is no longer there says nothing.
bool remove_unused(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file.get() >= 0 && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && ::unlink(path.c_str()) == 0;
}

/// A cache being made under a temporary name, locked while its maker lives.
class TemporaryCache {
 public:
  explicit TemporaryCache(const fs::path& target) : target_(target), path_(target.string() + ".XXXXXX.tmp") {
    descriptor_ = ::mkostemps(path_.data(), static_cast<int>(std::strlen(kTemporaryEnding)), O_CLOEXEC);
    if (descriptor_ < 0) {
      fail(target_, "created");
    }
    ::flock(descriptor_, LOCK_EX);
  }
  TemporaryCache(const TemporaryCache&) = delete;
  TemporaryCache& operator=(const TemporaryCache&) = delete;
  ~TemporaryCache() {
    ::close(descriptor_);
    if (!path_.empty()) {
      ::unlink(path_.c_str());
    }
  }

  int descriptor() const { return descriptor_; }

  void commit() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      fail(target_, "renamed into place");
    }
    path_.clear();
    const Descriptor folder(::open(target_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ::fsync(folder.get());
    ::flock(descriptor_, LOCK_SH);
  }

 private:
  fs::path target_;
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace

CacheFolder::CacheFolder(CacheSettings settings, Messages& messages)
    : settings_(std::move(settings)), messages_(messages) {
  if (settings_.folder.empty()) {
    return;
  }
  std::error_code error;
  if (fs::create_directories(settings_.folder, error)) {
    fs::permissions(settings_.folder, fs::perms::owner_all, error);
  }
  if (!fs::is_directory(settings_.folder, error) ||
      ::access(settings_.folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    messages_.warning(
        fmt::format("{} cannot be written: tokenized data is not kept for the next run (set data.cache_dir)",
                    settings_.folder.string()));
    settings_.folder.clear();
  }
}

std::shared_ptr<const TokenCache> CacheFolder::find(const std::string& key) const {
  if (settings_.folder.empty()) {
    return nullptr;
  }
  const fs::path path = cache_path(settings_.folder, key);
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info {};
  if (file.get() < 0 || ::flock(file.get(), LOCK_SH) != 0 || ::fstat(file.get(), &info) != 0 ||
      info.st_nlink == 0) {
    return nullptr;
  }
  ::futimens(file.get(), nullptr);  // used now
  try {
    return TokenCache::open(file.release(), path.string(), key);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) {
      throw;
    }
    messages_.warning(fmt::format("{}; it is made anew", error.what()));
    remove_unused(path);
    return nullptr;
  }
}

std::shared_ptr<const TokenCache> CacheFolder::build(
    const std::string& key, const std::function<Json(TokenCacheWriter&)>& fill) const {
  const auto write = [&](int descriptor, const fs::path& folder) {
    TokenCacheWriter writer(duplicate(descriptor), folder, key);
    writer.finish(fill(writer));
  };
  if (settings_.folder.empty()) {
    const Descriptor file(open_unnamed_file(settings_.temporary));
    write(file.get(), settings_.temporary);
    return TokenCache::open(duplicate(file.get()), "tokenized data", key);
  }
  remove_stale_temporaries();
  std::shared_ptr<const TokenCache> cache;
  {
    TemporaryCache temporary(cache_path(settings_.folder, key));
    write(temporary.descriptor(), settings_.folder);
    temporary.commit();
    cache =
        TokenCache::open(duplicate(temporary.descriptor()), cache_path(settings_.folder, key).string(), key);
  }
  keep_within_budget();
  return cache;
}

std::string CacheFolder::content_sha256(const fs::path& file) const {
  return FileMemo(settings_.folder).get("sha256", {file}, [&] { return sha256_of_file(file); });
}

void CacheFolder::remove_stale_temporaries() const {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(settings_.folder, error)) {
    struct stat info {};
    if (entry.path().extension() == kTemporaryEnding && ::lstat(entry.path().c_str(), &info) == 0 &&
        S_ISREG(info.st_mode) && std::time(nullptr) - info.st_mtim.tv_sec >= kYoungSeconds) {
      remove_unused(entry.path());
    }
  }
}

void CacheFolder::keep_within_budget() const {
  struct Kept {
    timespec used;
    std::uint64_t bytes;
    fs::path path;
  };
  std::vector<Kept> all;
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(settings_.folder, error)) {
    struct stat info {};
    const fs::path ending = entry.path().extension();
    if ((ending == kCacheEnding || ending == Memo::kEnding) && ::lstat(entry.path().c_str(), &info) == 0 &&
        S_ISREG(info.st_mode)) {
      const auto size = static_cast<std::uint64_t>(info.st_blocks) * 512;
      all.push_back({info.st_mtim, size, entry.path()});
      bytes += size;
    }
  }
  std::sort(all.begin(), all.end(), [](const Kept& a, const Kept& b) {
    return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
  });
  for (const Kept& oldest : all) {
    if (bytes <= settings_.budget) {
      return;
    }
    if (remove_unused(oldest.path)) {
      bytes -= oldest.bytes;
    }
  }
}

}  // namespace lore
