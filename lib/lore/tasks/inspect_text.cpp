#include "lore/tasks/inspect_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/container.h"
#include "lore/corpus/row_form.h"
#include "lore/corpus/row_format.h"
#include "lore/corpus/row_reader.h"
#include "lore/data/visible_text.h"
#include "lore/formats/json_file.h"
#include "lore/tasks/inspect_values.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// "BPE" of a tokenizer.json; empty where it does not say.
std::string model_of(const fs::path& file) {
  const nlohmann::json json = read_json_file(file);
  const auto model = json.find("model");
  return json.is_object() && model != json.end() && model->is_object() ? model->value("type", "") : "";
}

/// The data files of a folder, however different they are; else the file itself.
std::vector<std::string> data_files(const fs::path& path) {
  if (!fs::is_directory(path)) {
    return {path.string()};
  }
  std::vector<std::string> files;
  for (auto entry = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied);
       entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.') && entry->is_directory()) {
      entry.disable_recursion_pending();
    } else if (!name.starts_with('.') && entry->is_regular_file() && is_data_name(name) &&
               !name.starts_with("README") && !name.starts_with("LICENSE")) {
      files.push_back(entry->path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Counts what the rows of one source are.
class RowCounter {
 public:
  RowCounter(const SourceSpec& spec, Inspection& inspection) : form_(spec), inspection_(inspection) {}

  void add(ReadRow read) {
    ++rows_;
    if (const auto* bad = std::get_if<BadRow>(&read)) {
      add_bad(fmt::format("{}: {}", bad->source, bad->why));
      return;
    }
    Row row = std::get<Row>(std::move(read));
    const std::string place = row.source;
    try {
      const std::string format(detect_row_format(row.value).name);
      examples_ += static_cast<std::int64_t>(form_.apply(std::move(row)).size());
      ++formats_[format];
    } catch (const Error& error) {
      const std::string why = error.what();
      add_bad(why.starts_with(place) ? why : fmt::format("{}: {}", place, why));
    }
  }

  /// Puts the counts down and returns them for a person, behind the file's name where one is given.
  std::string describe(const std::string& name) {
    std::string formats;
    for (const auto& [format, count] : formats_) {
      formats += fmt::format("{}{} {}", formats.empty() ? "" : ", ", grouped(count), format);
    }
    inspection_.details = {
        {"rows", rows_}, {"bad_rows", bad_}, {"examples", examples_}, {"formats", formats_}};
    if (rows_ == 0) {
      inspection_.problem((name.empty() ? "" : name + ": ") + "holds no row");
    }
    if (bad_ > kListed) {
      inspection_.problem(fmt::format("{}and {} more rows that cannot be used",
                                      name.empty() ? "" : name + ": ", grouped(bad_ - kListed)));
    }
    return fmt::format("{}{} rows: {}{}", name.empty() ? "" : name + ", ", grouped(rows_),
                       formats.empty() ? "none that can be used"
                                       : fmt::format("{}, {} examples", formats, grouped(examples_)),
                       bad_ > 0 ? fmt::format(", {} bad", grouped(bad_)) : "");
  }

 private:
  /// A file may be bad in every row.
  static constexpr std::int64_t kListed = 20;

  void add_bad(const std::string& message) {
    ++bad_;
    if (bad_ <= kListed) {
      inspection_.problem(message);
    }
  }

  RowForm form_;
  Inspection& inspection_;
  std::int64_t rows_ = 0;
  std::int64_t bad_ = 0;
  std::int64_t examples_ = 0;
  std::map<std::string, std::int64_t> formats_;
};

}  // namespace

Inspection inspect_tokenizer(const fs::path& path) {
  Inspection inspection;
  inspection.kind = "tokenizer";
  inspection.path = path.string();
  const fs::path json = fs::is_directory(path) ? path / "tokenizer.json" : path;
  try {
    const bool is_json = fs::exists(json) && json.extension() == ".json";
    const std::string type = is_json ? model_of(json) : "sentencepiece";
    inspection.fact("form",
                    is_json ? fmt::format("tokenizer.json, {}", printable(type)) : "sentencepiece model");
    inspection.details["type"] = type;
  } catch (const Error& error) {
    inspection.problem(error.what());
  }
  describe_text(path, nullptr, inspection);
  return inspection;
}

Inspection inspect_data(const fs::path& path, const Environment& environment) {
  Inspection inspection;
  inspection.kind = "data";
  inspection.path = path.string();
  inspection.details["files"] = Json::array();
  const std::vector<std::string> files = data_files(path);
  if (files.size() > 1) {
    inspection.fact("files", std::to_string(files.size()));
  }
  for (const std::string& file : files) {
    if (*environment.signal != 0) {
      break;
    }
    const std::string name = fs::is_directory(path) ? fs::relative(file, path).string() : file;
    Inspection part;
    SourceSpec spec;
    spec.path = file;
    try {
      RowCounter counter(spec, part);
      const std::unique_ptr<RowReader> reader = open_rows(spec);
      for (std::optional<ReadRow> read = reader->next(); read && *environment.signal == 0;
           read = reader->next()) {
        counter.add(std::move(*read));
      }
      inspection.fact(files.size() > 1 ? "" : "rows", counter.describe(files.size() > 1 ? name : ""));
    } catch (const Error& error) {
      part.problem(error.what());
    }
    part.details["file"] = name;
    part.details["bytes"] = fs::file_size(file);
    inspection.details["files"].push_back(part.details);
    inspection.add_findings(part, "");
  }
  return inspection;
}

}  // namespace lore
