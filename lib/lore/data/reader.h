#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace lore {

/// One row of a data file. Keys keep the order of the file.
struct Row {
  nlohmann::ordered_json value;
  /// "file:line" of where the row begins.
  std::string source;
};

/// Reads a file of JSON objects: one a line (JSONL), or all in one array (a file whose first
/// character is `[`). Accepts a byte order mark, CRLF and blank lines.
/// `limit` keeps the first rows only; later ones are not looked at.
/// Throws: Error kInput that lists up to 20 bad rows as "file:line: why".
std::vector<Row> read_rows(const std::filesystem::path& path, std::optional<std::int64_t> limit = {});

}  // namespace lore
