#include "lore/data/bad_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kShown = 5;
constexpr std::int64_t kShownOfError = 20;

/// The caches of all data sets, each once: a part that was split off has those of the whole.
std::vector<const TokenCache*> caches_of(std::initializer_list<const Dataset*> datasets) {
  std::vector<const TokenCache*> caches;
  for (const Dataset* dataset : datasets) {
    for (const auto& cache : dataset->caches()) {
      if (std::find(caches.begin(), caches.end(), cache.get()) == caches.end()) {
        caches.push_back(cache.get());
      }
    }
  }
  return caches;
}

/// "file:line: why" of the first `most` rows of `datasets`, each on a line of its own.
std::string first_bad_rows(std::initializer_list<const Dataset*> datasets, std::int64_t most) {
  std::string list;
  for (const TokenCache* cache : caches_of(datasets)) {
    std::string_view lines = cache->bad();
    for (; !lines.empty() && most > 0; --most) {
      const std::size_t end = lines.find('\n');
      const Json line = Json::parse(lines.substr(0, end));
      list +=
          fmt::format("\n  {}: {}", line.at("source").get<std::string>(), line.at("why").get<std::string>());
      lines.remove_prefix(end + 1);
    }
  }
  return list;
}

}  // namespace

BadRowPolicy parse_bad_row_policy(std::string_view name) {
  if (name == "error") {
    return BadRowPolicy::kError;
  }
  if (name == "skip") {
    return BadRowPolicy::kSkip;
  }
  throw Error(ErrorKind::kUsage, "data.on_bad_row", fmt::format("'{}' is not one of error, skip", name));
}

void report_bad_rows(std::initializer_list<const Dataset*> datasets, BadRowPolicy policy,
                     Messages& messages) {
  std::int64_t count = 0;
  for (const Dataset* dataset : datasets) {
    for (const SourceCounts& source : dataset->sources()) {
      count += source.bad;
    }
  }
  if (count == 0) {
    return;
  }
  const std::int64_t shown = policy == BadRowPolicy::kError ? kShownOfError : kShown;
  std::string list = first_bad_rows(datasets, shown);
  if (count > shown) {
    list += fmt::format("\n  and {} more", count - shown);
  }
  const std::string what =
      fmt::format("{} that cannot be used", count == 1 ? "1 row" : fmt::format("{} rows", count));
  if (policy == BadRowPolicy::kError) {
    throw Error(ErrorKind::kInput, "data",
                fmt::format("{} (data.on_bad_row: skip leaves them out):{}", what, list));
  }
  messages.warning(fmt::format("{}, left out:{}", what, list));
}

std::int64_t write_rejects(const std::filesystem::path& path,
                           std::initializer_list<const Dataset*> datasets) {
  std::int64_t count = 0;
  std::optional<AtomicFile> file;
  const auto write = [&](std::string_view lines) {
    if (!lines.empty()) {
      if (!file) {
        file.emplace(path, FileAccess::kOwner);
      }
      file->write(lines);
      count += std::count(lines.begin(), lines.end(), '\n');
    }
  };
  for (const TokenCache* cache : caches_of(datasets)) {
    write(cache->bad());
    write(cache->left_out());
  }
  for (const Dataset* dataset : datasets) {
    for (const LeftOutRow& row : dataset->left_out) {
      const Json line{{"source", row.source}, {"why", row.why}, {"row", nullptr}};
      write(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    }
  }
  if (file) {
    file->commit();
  }
  return count;
}

}  // namespace lore
