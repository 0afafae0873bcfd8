#include "lore/data/load_dataset.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data_code.h"
#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "lore/corpus/source_files.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

/// Changes whenever a file is written, as far as the file system tells.
std::vector<std::int64_t> state_of(const std::vector<std::string>& paths) {
  std::vector<std::int64_t> state;
  for (const std::string& path : paths) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    state.insert(state.end(), {static_cast<std::int64_t>(info.st_ino), info.st_size, info.st_mtim.tv_sec,
                               info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec});
  }
  return state;
}

Json identity_of(const SourceSpec& source) {
  Json columns = Json::array();
  for (const auto& [name, column] : source.columns) {
    columns.push_back({name, column});
  }
  Json templates = Json::array();
  for (const std::string& name : source.templates) {
    const bool is_file = std::filesystem::is_regular_file(name);
    templates.push_back({name, is_file ? Json(sha256_of_file(name)) : Json()});
  }
  return {{"path", source.path},
          {"format", source.format},
          {"columns", columns},
          {"templates", templates},
          {"encoding", source.encoding},
          {"sample_by", source.sample_by},
          {"limit", source.limit ? Json(*source.limit) : Json()}};
}

Json identity_of(const RowSettings& settings) {
  return {{"max_length", settings.max_length},
          {"overlong", static_cast<int>(settings.overlong)},
          {"personal_data", static_cast<int>(settings.personal_data)},
          {"signatures", settings.signatures}};
}

Json identity_of(const std::vector<DataFile>& files) {
  Json list = Json::array();
  for (const DataFile& file : files) {
    list.push_back({file.path, file.sha256});
  }
  return list;
}

void warn_of_personal_data(const SourceCounts& counts, const Json& places, PersonalDataPolicy policy,
                           Messages& messages) {
  if (counts.personal == 0 || policy == PersonalDataPolicy::kError) {
    return;  // with kError such a row is a bad one
  }
  std::string first;
  for (const Json& place : places) {
    first += "\n  " + place.get<std::string>();
  }
  if (counts.personal > static_cast<std::int64_t>(places.size())) {
    first += fmt::format("\n  and {} more", counts.personal - static_cast<std::int64_t>(places.size()));
  }
  messages.warning(
      fmt::format("{}: {} of {} rows hold personal data ({}){}:{}", counts.path, counts.personal, counts.rows,
                  counts.personal_kinds,
                  policy == PersonalDataPolicy::kMask ? ", masked" : " (data.pii: mask hides it)", first));
}

}  // namespace

Dataset load_dataset(std::span<const SourceSpec> sources, const ExampleBuilder& builder,
                     const RowSettings& settings, const CacheFolder& cache, int threads, Messages& messages) {
  Dataset dataset;
  for (const SourceSpec& source : sources) {
    const std::vector<std::string> paths = source_files(source.path);
    const auto before = state_of(paths);
    std::vector<DataFile> files;
    files.reserve(paths.size());
    for (const std::string& path : paths) {
      files.push_back({path, cache.content_sha256(path)});
    }
    const std::string key = sha256_hex(Json{
        {"code", kDataCode},
        {"files", identity_of(files)},
        {"source", identity_of(source)},
        {"builder", builder.identity()},
        {"settings",
         identity_of(settings)}}.dump(-1, ' ', false, Json::error_handler_t::replace));
    std::shared_ptr<const TokenCache> tokens = cache.find(key);
    if (tokens) {
      messages.info(fmt::format("{}: tokenized data from the cache", source.path));
    } else {
      tokens = cache.build(key, [&](TokenCacheWriter& writer) {
        Json summary = tokenize_source(source, builder, settings, threads, writer);
        if (state_of(paths) != before) {
          throw Error(ErrorKind::kInput, source.path, "changed while it was read; wait until it is written");
        }
        return summary;
      });
    }
    const Json& summary = tokens->summary();
    SourceCounts counts = source_counts_from_json(summary.at("counts"));
    warn_of_personal_data(counts, summary.at("personal_places"), settings.personal_data, messages);
    dataset.append(std::move(tokens), std::move(counts));
    dataset.files.insert(dataset.files.end(), files.begin(), files.end());
  }
  return dataset;
}

}  // namespace lore
