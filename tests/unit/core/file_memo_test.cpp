#include "lore/core/file_memo.h"

#include <fstream>
#include <functional>

#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

/// Counts how often it is asked to read.
struct Reader {
  fs::path file;
  int times = 0;
  std::string operator()() {
    ++times;
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

/// A file that nothing changes while tests run.
const fs::path kOldFile = "/etc/passwd";

}  // namespace

TEST_CASE("what was made of files that did not change is not made again") {
  const TemporaryFolder folder;
  const lore::FileMemo memo(folder / "memo");
  Reader reader{kOldFile};
  const std::string first = memo.get("text", {kOldFile}, std::ref(reader));
  CHECK(memo.get("text", {kOldFile}, std::ref(reader)) == first);
  CHECK(reader.times == 1);
  CHECK((fs::status(folder / "memo").permissions() & fs::perms::others_all) == fs::perms::none);

  SECTION("another computation of the same files is another") {
    memo.get("other", {kOldFile}, std::ref(reader));
    CHECK(reader.times == 2);
  }
  SECTION("a memo that was damaged is made anew") {
    for (const auto& entry : fs::directory_iterator(folder / "memo")) {
      std::fstream file(entry.path(), std::ios::in | std::ios::out);
      file.seekp(-1, std::ios::end);
      file.put('?');
    }
    CHECK(memo.get("text", {kOldFile}, std::ref(reader)) == first);
    CHECK(reader.times == 2);
  }
}

TEST_CASE("a file that was just written is read again") {
  const TemporaryFolder folder;
  const lore::FileMemo memo(folder / "memo");
  Reader reader{folder / "file"};
  write(reader.file, "one");
  CHECK(memo.get("text", {reader.file}, std::ref(reader)) == "one");
  write(reader.file, "two");
  CHECK(memo.get("text", {reader.file}, std::ref(reader)) == "two");
}

TEST_CASE("a file that changes while it is read is refused") {
  const TemporaryFolder folder;
  const lore::FileMemo memo(folder / "memo");
  write(folder / "file", "one");
  const auto change = [&] {
    write(folder / "file", "longer");
    return std::string("one");
  };
  CHECK_THROWS_AS(memo.get("text", {folder / "file"}, change), lore::Error);
}

TEST_CASE("nothing is remembered without a folder, of an empty result, or where nothing can be written") {
  const TemporaryFolder folder;
  Reader reader{kOldFile};
  lore::FileMemo none("");
  none.get("text", {kOldFile}, std::ref(reader));
  none.get("text", {kOldFile}, std::ref(reader));
  CHECK(reader.times == 2);
  const lore::FileMemo memo(folder / "memo");
  memo.get("text", {kOldFile}, [] { return std::string(); });
  CHECK_FALSE(fs::exists(folder / "memo"));
  write(folder / "blocked", "");
  const lore::FileMemo blocked(folder / "blocked");
  CHECK_FALSE(blocked.get("text", {kOldFile}, std::ref(reader)).empty());
}
