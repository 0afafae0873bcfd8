#include "lore/core/atomic_folder.h"

#include <fstream>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;

TEST_CASE("a folder takes the place of the old one whole, subfolders and all") {
  const TemporaryFolder folder;
  for (const char* name : {"old", "new"}) {
    lore::AtomicFolder staged(folder / "run" / "adapter");
    fs::create_directory(staged.staging() / "inner");
    lore::write_file_atomically(staged.staging() / "inner" / name, name);
    staged.commit();
  }
  CHECK(fs::exists(folder / "run/adapter/inner/new"));
  CHECK_FALSE(fs::exists(folder / "run/adapter/inner/old"));
  CHECK(std::distance(fs::directory_iterator(folder / "run"), {}) == 1);
}

TEST_CASE("a folder that is not committed leaves the old one") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "adapter");
  { const lore::AtomicFolder staged(folder / "adapter"); }
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a file in the place of a parent is told") {
  const TemporaryFolder folder;
  lore::write_file_atomically(folder / "file", "");
  CHECK_THROWS_AS(lore::create_folders(folder / "file" / "inner"), lore::Error);
}
