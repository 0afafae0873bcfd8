#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>

namespace lore {

/// One row of a data file: an object whose keys keep the order of the file.
struct Row {
  nlohmann::ordered_json value;
  /// "file:line" of where the row begins.
  std::string source;
};

/// A row that cannot be used.
struct BadRow {
  std::string source;  ///< "file:line"
  std::string why;     ///< without the source
  std::string text;    ///< as the file has it, for the rejects file; never shown. Empty for XML
};

using ReadRow = std::variant<Row, BadRow>;

}  // namespace lore
