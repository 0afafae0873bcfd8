#include "lore/core/private_path.h"

#include <algorithm>
#include <cctype>

namespace lore {

bool is_private_path(std::string_view text) {
  const bool drive = text.size() > 2 && std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
                     text[1] == ':' && (text[2] == '/' || text[2] == '\\');
  const bool web = text.starts_with("https://") || text.starts_with("http://");
  return drive || text.starts_with('/') || text.starts_with('~') || text.starts_with("./") ||
         text.starts_with("../") || text.starts_with("file:") || text == "." || text == ".." ||
         text.find('\\') != std::string_view::npos || (!web && std::ranges::count(text, '/') > 1);
}

std::string public_name(std::string_view text) {
  if (!is_private_path(text)) {
    return std::string(text);
  }
  std::string path(text);
  std::ranges::replace(path, '\\', '/');
  path.erase(path.find_last_not_of('/') + 1);
  constexpr std::string_view kRepository = "/models--";
  if (const std::size_t at = path.rfind(kRepository); at != std::string::npos) {
    const std::size_t begin = at + kRepository.size();
    std::string id = path.substr(begin, path.find('/', begin) - begin);
    if (const std::size_t dashes = id.find("--"); dashes != std::string::npos) {
      id.replace(dashes, 2, "/");
    }
    return id;
  }
  const std::string name = path.substr(path.rfind('/') + 1);
  return name == "." || name == ".." || name == "~" ? "" : name;
}

}  // namespace lore
