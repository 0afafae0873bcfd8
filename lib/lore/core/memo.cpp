#include "lore/core/memo.h"

#include <fstream>
#include <iterator>
#include <system_error>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/core/sha256.h"

namespace lore {

namespace fs = std::filesystem;

std::optional<std::string> Memo::find(std::string_view name, std::string_view state) const {
  if (!keeps()) {
    return std::nullopt;
  }
  std::ifstream file(path_of(name), std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t check = sha256_hex(std::string_view()).size();
  if (text.size() <= check + state.size() || text.compare(check, state.size(), state) != 0 ||
      text.compare(0, check, sha256_hex(std::string_view(text).substr(check))) != 0) {
    return std::nullopt;
  }
  return text.substr(check + state.size());
}

void Memo::keep(std::string_view name, std::string_view state, std::string_view text) const {
  if (!keeps()) {
    return;
  }
  std::error_code error;
  if (fs::create_directories(folder_, error)) {
    fs::permissions(folder_, fs::perms::owner_all, error);
  }
  try {
    const std::string kept = std::string(state).append(text);
    write_file_atomically(path_of(name), sha256_hex(kept) + kept, FileAccess::kOwner);
  } catch (const Error&) {
    return;  // what cannot be kept is computed again
  }
}

fs::path Memo::path_of(std::string_view name) const { return folder_ / (sha256_hex(name) + kEnding); }

}  // namespace lore
