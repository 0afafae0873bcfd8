#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "lore/core/messages.h"
#include "lore/data/token_cache.h"

namespace lore {

/// Where tokenized data is kept from run to run.
struct CacheSettings {
  std::filesystem::path folder;  ///< empty: nothing is kept
  std::filesystem::path
      temporary;  ///< for files that are gone with the process, where `folder` cannot be used
  std::uint64_t budget = std::uint64_t{20} << 30;  ///< bytes that are kept at most
};

/// A folder of token caches, each under its key. Any number of processes may use it at once: a file
/// appears whole or not at all, and none is removed while a process has it open.
class CacheFolder {
 public:
  /// Makes the folder, for its owner alone. Where that fails, says so and keeps nothing.
  CacheFolder(CacheSettings settings, Messages& messages);

  /// The cache under `key`, or null when there is none or it is damaged (which is said, and it is removed).
  std::shared_ptr<const TokenCache> find(const std::string& key) const;

  /// Makes the cache under `key`: `fill` writes the examples and returns the summary. Afterwards the caches
  /// used longest ago are removed until the folder is within its budget. Throws: Error kResources (disk
  /// full), and what `fill` throws; then nothing is left.
  std::shared_ptr<const TokenCache> build(
      const std::string& key, const std::function<nlohmann::ordered_json(TokenCacheWriter&)>& fill) const;

  /// SHA-256 of a file's content, remembered here. Throws: Error kInput.
  std::string content_sha256(const std::filesystem::path& file) const;

 private:
  void remove_stale_temporaries() const;
  void keep_within_budget() const;

  CacheSettings settings_;
  Messages& messages_;
};

}  // namespace lore
