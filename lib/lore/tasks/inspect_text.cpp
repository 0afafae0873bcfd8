#include "lore/tasks/inspect_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/row_form.h"
#include "lore/corpus/row_format.h"
#include "lore/corpus/row_reader.h"
#include "lore/corpus/source_files.h"
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

  void describe() const {
    std::string formats;
    for (const auto& [format, count] : formats_) {
      formats += fmt::format("{}{} {}", formats.empty() ? "" : ", ", grouped(count), format);
    }
    inspection_.fact(
        "rows", fmt::format("{}: {}{}", grouped(rows_), formats.empty() ? "none that can be used" : formats,
                            bad_ > 0 ? fmt::format(", {} bad", grouped(bad_)) : ""));
    inspection_.fact("examples", grouped(examples_));
    inspection_.details["rows"] = rows_;
    inspection_.details["bad_rows"] = bad_;
    inspection_.details["examples"] = examples_;
    inspection_.details["formats"] = formats_;
    if (rows_ == 0) {
      inspection_.problem("holds no row");
    }
    if (bad_ > kListed) {
      inspection_.problem(fmt::format("and {} more rows that cannot be used", grouped(bad_ - kListed)));
    }
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
  SourceSpec spec;
  spec.path = path.string();
  try {
    const std::vector<std::string> files = source_files(spec.path);
    std::int64_t bytes = 0;
    for (const std::string& file : files) {
      bytes += static_cast<std::int64_t>(fs::file_size(file));
    }
    inspection.fact("files", fmt::format("{}, {}", files.size(), size_text(bytes)));
    inspection.details["files"] = files.size();
    inspection.details["bytes"] = bytes;
    RowCounter counter(spec, inspection);
    const std::unique_ptr<RowReader> reader = open_rows(spec);
    for (std::optional<ReadRow> read = reader->next(); read && *environment.signal == 0;
         read = reader->next()) {
      counter.add(std::move(*read));
    }
    counter.describe();
  } catch (const Error& error) {
    inspection.problem(error.what());
  }
  return inspection;
}

}  // namespace lore
