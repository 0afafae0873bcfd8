#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lore {

/// Reads a JSON file strictly: no duplicate keys, no comments, valid UTF-8, at most 64 levels.
/// Throws: Error kInput whose subject is "path:line:column".
nlohmann::json read_json_file(const std::filesystem::path& path);

/// As `read_json_file`, keeping the order of keys.
nlohmann::ordered_json read_ordered_json_file(const std::filesystem::path& path);

/// As `read_json_file`, from text; `subject` stands for the path in errors.
nlohmann::json parse_json(std::string_view text, const std::string& subject);

}  // namespace lore
