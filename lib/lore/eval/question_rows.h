#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lore/corpus/row.h"
#include "lore/recipe/specs.h"

namespace lore {

/// The rows of a suite's file, at most `limit` of them. Throws: Error kInput, subject "file:line", for a row
/// that cannot be read; kInput for a file without rows.
std::vector<Row> read_question_rows(const SuiteSpec& spec);

/// What a table breaks a row's case down by: `groups`, an object of texts, and the columns `domain`, `topic`
/// and `language`. Throws: Error kInput, subject the column.
std::map<std::string, std::string> read_groups(const nlohmann::ordered_json& row);

/// The `id` of a row, or `place` where it has none. Throws: Error kInput for an id that is no text or number.
std::string read_id(const nlohmann::ordered_json& row, const std::string& place);

/// What a person would call the question of a prompt: its text, or its last message's.
std::string question_text(const nlohmann::ordered_json& prompt);

}  // namespace lore
