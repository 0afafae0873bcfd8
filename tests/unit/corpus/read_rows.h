#pragma once

#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "lore/core/error.h"
#include "lore/corpus/row_reader.h"
#include "support/temporary_folder.h"

/// What a file gave: rows as JSON, and problems as "NAME:LINE: why", without the folder.
struct ReadResult {
  std::vector<std::string> rows;
  std::vector<std::string> places;  ///< of the rows
  std::vector<std::string> problems;
  std::vector<std::string> bad_texts;
  std::string error;  ///< that ended the reading
};

/// Reads all rows of `spec`; `folder` is left out of what is told.
inline ReadResult read_source(const lore::SourceSpec& spec, const std::string& folder) {
  ReadResult result;
  const auto told = [&](std::string text) {
    const std::size_t at = text.find(folder);
    return at == std::string::npos ? text : text.erase(at, folder.size());
  };
  try {
    const auto reader = lore::open_rows(spec);
    while (auto read = reader->next()) {
      if (const auto* bad = std::get_if<lore::BadRow>(&*read)) {
        result.problems.push_back(told(bad->source + ": " + bad->why));
        result.bad_texts.push_back(bad->text);
      } else {
        result.rows.push_back(std::get<lore::Row>(*read).value.dump());
        result.places.push_back(told(std::get<lore::Row>(*read).source));
      }
    }
  } catch (const lore::Error& error) {
    result.error = told(error.what());
  }
  return result;
}

/// Reads `text` as a file of that name. `spec.path` does not matter.
inline ReadResult read_text(const std::string& name, const std::string& text, lore::SourceSpec spec = {}) {
  const TemporaryFolder folder;
  std::ofstream(folder / name, std::ios::binary) << text;
  spec.path = folder / name;
  return read_source(spec, folder.path().string() + "/");
}
