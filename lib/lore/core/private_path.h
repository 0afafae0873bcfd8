#pragma once

#include <string>
#include <string_view>

namespace lore {

/// Whether `text` is a path of somebody's machine and no name that means the same elsewhere: absolute, with
/// a drive, from the home folder, relative by "./" or "../", a file: URL, or longer than `owner/name`.
bool is_private_path(std::string_view text);

/// What may be told to others of a private path: its last part, or `owner/name` where it leads into a
/// Hugging Face cache. Other text is returned as it is.
std::string public_name(std::string_view text);

}  // namespace lore
