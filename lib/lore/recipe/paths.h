#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lore {

/// The folder that a recipe's relative paths start at: absolute, symbolic links followed.
std::filesystem::path recipe_folder(const std::filesystem::path& recipe_file);

/// True where `text` has the form of a hub id, `name` or `owner/name`, and is not a `.gguf` file's name.
bool is_hub_id(std::string_view text);

/// True where `text` is a name of letters, digits, `_` and `-`.
bool is_bare_name(std::string_view text);

/// `path` from `folder`, absolute and without `.` and `..`.
std::string resolved_path(const std::filesystem::path& folder, std::string_view path);

}  // namespace lore
