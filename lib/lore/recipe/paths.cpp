#include "lore/recipe/paths.h"

#include <algorithm>
#include <system_error>

namespace lore {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_hub_character(char c) { return is_name_character(c) || c == '.' || c == '/'; }

}  // namespace

std::filesystem::path recipe_folder(const std::filesystem::path& recipe_file) {
  std::error_code error;
  const std::filesystem::path parent = recipe_file.parent_path();
  // canonical resolves links before `..`: a lexical `..` after it means what the file system means.
  std::filesystem::path folder = std::filesystem::weakly_canonical(parent.empty() ? "." : parent, error);
  if (error) {
    folder = std::filesystem::absolute(parent, error);
  }
  return error ? parent : folder;
}

bool is_hub_id(std::string_view text) {
  const bool inside = !text.empty() && text.front() != '.' && text.front() != '/' && text.back() != '/';
  return inside && std::ranges::all_of(text, is_hub_character) && std::ranges::count(text, '/') <= 1 &&
         !text.ends_with(".gguf");
}

bool is_bare_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_name_character);
}

std::string resolved_path(const std::filesystem::path& folder, std::string_view path) {
  return (folder / path).lexically_normal().string();
}

}  // namespace lore
