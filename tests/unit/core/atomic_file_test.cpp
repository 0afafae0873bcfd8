#include "lore/core/atomic_file.h"

#include <fstream>
#include <iterator>

#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;

namespace {
std::string contents(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
}  // namespace

TEST_CASE("a file appears whole on commit") {
  const TemporaryFolder folder;
  lore::AtomicFile file(folder / "a.txt");
  file.write("hello");
  CHECK_FALSE(fs::exists(folder / "a.txt"));
  file.commit();
  CHECK(contents(folder / "a.txt") == "hello");
}

TEST_CASE("a file that is not committed leaves the old one and no leftovers") {
  const TemporaryFolder folder;
  lore::write_file_atomically(folder / "a.txt", "old");
  {
    lore::AtomicFile file(folder / "a.txt");
    file.write("new");
  }
  CHECK(contents(folder / "a.txt") == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("writing into a folder that does not exist names the file") {
  CHECK_THROWS_AS(lore::AtomicFile("/nonexistent-folder/a.txt"), lore::Error);
}
