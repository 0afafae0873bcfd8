#include "memory_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

/// The number after `name` in a file of lines "name 123 kB" or "name 123"; -1 where there is none.
std::int64_t number_in(const std::string& file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    if (std::int64_t value = 0; word == name && lines >> value) {
      return value;
    }
  }
  return -1;
}

std::int64_t number_of(const std::filesystem::path& file) {
  std::ifstream text(file);
  std::int64_t value = -1;
  return text >> value ? value : -1;
}

/// What a cgroup leaves: its limit less what it uses, without the page cache, which gives way.
std::int64_t left_in(const std::filesystem::path& limit, const std::filesystem::path& used,
                     const std::filesystem::path& statistics, const char* cache) {
  const std::int64_t most = number_of(limit);  // "max" is no number
  const std::int64_t now = number_of(used);
  if (most < 0 || now < 0) {
    return kNoLimit;
  }
  const std::int64_t reclaimable = std::max<std::int64_t>(0, number_in(statistics.string(), cache));
  return std::max<std::int64_t>(1, most - now + reclaimable);
}

/// The least that the cgroups of this process leave, from its own up to the root.
std::int64_t left_in_cgroups() {
  std::int64_t left = kNoLimit;
  std::ifstream memberships("/proc/self/cgroup");
  for (std::string line; std::getline(memberships, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && controllers.find("memory") == std::string::npos) {
      continue;
    }
    const std::filesystem::path root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    for (std::filesystem::path group = line.substr(second + 1);; group = group.parent_path()) {
      const std::filesystem::path folder = root / group.relative_path();
      left = std::min(
          left,
          unified ? left_in(folder / "memory.max", folder / "memory.current", folder / "memory.stat", "file")
                  : left_in(folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes",
                            folder / "memory.stat", "total_cache"));
      if (!group.has_relative_path()) {
        break;
      }
    }
  }
  return left;
}

std::int64_t left_of_address_space() {
  rlimit limit{};
  const std::int64_t used = number_in("/proc/self/status", "VmSize:");
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || used < 0) {
    return kNoLimit;
  }
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(limit.rlim_cur) - used * 1024);
}

}  // namespace

std::int64_t available_memory() {
  const std::int64_t available = number_in("/proc/meminfo", "MemAvailable:");
  const std::int64_t swap = std::max<std::int64_t>(0, number_in("/proc/meminfo", "SwapFree:"));
  const std::int64_t machine = available < 0 ? kNoLimit : (available + swap) * 1024;
  const std::int64_t least = std::min({machine, left_in_cgroups(), left_of_address_space()});
  return least == kNoLimit ? 0 : least;
}
