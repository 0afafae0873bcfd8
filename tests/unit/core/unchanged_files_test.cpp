#include "lore/core/unchanged_files.h"

#include <fstream>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

TEST_CASE("a file that was written into is told, one that was replaced or removed is not") {
  const TemporaryFolder folder;
  lore::write_file_atomically(folder / "a", "first");
  const lore::UnchangedFiles files({folder / "a"});
  CHECK_NOTHROW(files.check());
  const std::filesystem::path kept = folder / "kept";
  std::filesystem::create_hard_link(folder / "a", kept);
  lore::write_file_atomically(folder / "a", "second");
  CHECK_NOTHROW(files.check());
  std::filesystem::rename(kept, folder / "a");
  CHECK_NOTHROW(files.check());
  std::ofstream(folder / "a", std::ios::app) << "more";
  CHECK_THROWS_AS(files.check(), lore::Error);
  std::filesystem::remove(folder / "a");
  CHECK_NOTHROW(files.check());
}
