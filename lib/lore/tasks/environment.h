#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace lore {

/// What a task needs to know of the process it runs in; the library itself never looks.
struct Environment {
  int threads = 1;
  std::vector<std::filesystem::path> cache_roots;  ///< Hugging Face hub caches, in order of preference
  std::filesystem::path cache_dir;                 ///< tokenized data is kept here; empty: nowhere
  std::filesystem::path hash_dir;                  ///< hashes of weights are kept here; empty: nowhere
  std::filesystem::path temporary_dir;             ///< for files that no run leaves behind
  std::int64_t memory_bytes = 0;                   ///< that may still be used; 0: not known
  const std::atomic<int>* signal = nullptr;        ///< the signal that asked the process to stop, or 0
};

}  // namespace lore
