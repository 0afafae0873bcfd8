#include "lore/core/folder_lock.h"

#include <optional>

#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

TEST_CASE("a folder has one lock at a time and leaves nothing in it") {
  const TemporaryFolder folder;
  std::optional<lore::FolderLock> first(folder.path());
  CHECK_THROWS_AS(lore::FolderLock(folder.path()), lore::Error);
  CHECK(first->is_at(folder.path()));
  CHECK(std::filesystem::is_empty(folder.path()));
  first.reset();
  CHECK_NOTHROW(lore::FolderLock(folder.path()));
}

TEST_CASE("a lock knows when its folder was taken away") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "run");
  const lore::FolderLock lock(folder / "run");
  std::filesystem::rename(folder / "run", folder / "moved");
  CHECK_FALSE(lock.is_at(folder / "run"));
  std::filesystem::create_directory(folder / "run");
  CHECK_FALSE(lock.is_at(folder / "run"));
  CHECK(lock.is_at(folder / "moved"));
}
