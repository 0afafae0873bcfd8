#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lore/tasks/heat_map.h"

namespace lore {

/// What was found out about something on disk.
struct Inspection {
  std::string kind;  ///< "adapter", "model", "GGUF model", "tokenizer", "data", "run", ...
  std::string path;
  /// Facts for a person, in order; a label may be empty, for a line that goes on with the one before.
  std::vector<std::pair<std::string, std::string>> facts;
  nlohmann::ordered_json details = nlohmann::ordered_json::object();  ///< the same and more for a program
  std::vector<std::string> warnings;                                  ///< what may be meant so
  std::optional<HeatMap> heat_map;

  bool sound() const { return problems_.empty(); }
  void fact(std::string label, std::string text) { facts.emplace_back(std::move(label), std::move(text)); }

  /// Puts a problem down, once. Many of one `group` are counted in the text and all listed for a program.
  /// The path of what is inspected is left out of it.
  void problem(const std::string& message, const std::string& group = "");
  /// Takes over another inspection's problems and warnings, with `within` before them.
  void add_findings(const Inspection& part, const std::string& within);

  /// {"kind", "path", "sound", "problems", "warnings", ..details}.
  nlohmann::ordered_json to_json() const;
  /// For a person; with terminal colours where `colour`.
  std::string text(bool colour) const;

 private:
  struct Problem {
    std::string message;
    std::string group;
  };
  std::vector<Problem> problems_;
};

/// `message` without the path of `folder` before the names of files in it.
std::string without_folder(std::string message, const std::string& folder);

/// 1234567 bytes as "1.23 MB".
std::string size_text(std::int64_t bytes);

}  // namespace lore
