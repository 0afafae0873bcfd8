#include "lore/corpus/source_files.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;

namespace {

/// A folder with files in it.
class Tree {
 public:
  explicit Tree(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
      fs::create_directories((folder_ / file).parent_path());
      std::ofstream(folder_ / file) << "{}\n";
    }
  }
  fs::path operator/(const std::string& name) const { return folder_ / name; }
  fs::path path() const { return folder_.path(); }

  /// The files of a path below the folder, without the folder, or what is wrong.
  std::vector<std::string> files(const std::string& path) const {
    const std::string front = folder_.path().string() + "/";
    std::vector<std::string> found;
    try {
      found = lore::source_files(path.empty() ? folder_.path().string() : front + path);
    } catch (const lore::Error& error) {
      CHECK(error.kind() == lore::ErrorKind::kInput);
      return {error.message()};
    }
    for (std::string& file : found) {
      REQUIRE(file.starts_with(front));
      file.erase(0, front.size());
    }
    return found;
  }

 private:
  TemporaryFolder folder_;
};

using Files = std::vector<std::string>;

}  // namespace

TEST_CASE("a folder stands for its data files, sorted bytewise, hidden ones left out") {
  const Tree tree({"b.jsonl", "a/z.JSON", "a.csv", "B.tsv.gz", "c.tbx", "d.jsonl.zst", ".hidden.jsonl",
                   ".git/x.jsonl", "README.md", "LICENSE.txt", "notes.pdf", "x.parquet"});
  CHECK(tree.files("") ==
        Files{"B.tsv.gz", "a.csv", "a/z.JSON", "b.jsonl", "c.tbx", "d.jsonl.zst", "x.parquet"});
  CHECK(tree.files("a/") == Files{"a/z.JSON"});
  CHECK(tree.files("a.csv") == Files{"a.csv"});
}

TEST_CASE("a folder without a data file, or with files of two kinds, is an error") {
  const Tree tree({"a/x.pdf", "b/x.txt", "b/y.jsonl"});
  CHECK(tree.files("a").front().starts_with("the folder holds no data file"));
  CHECK(tree.files("b").front().starts_with(
      R"(the folder holds both plain text ("x.txt") and rows ("y.jsonl"))"));
}

TEST_CASE("patterns reach over folders") {
  const Tree tree({"a/1.jsonl", "a/b/2.jsonl", "a/b/c/3.jsonl", "a/b/.h/4.jsonl", "x[1].jsonl", "法.csv"});
  CHECK(tree.files("a/*.jsonl") == Files{"a/1.jsonl"});
  CHECK(tree.files("a/**") == Files{"a/1.jsonl", "a/b/2.jsonl", "a/b/c/3.jsonl"});
  CHECK(tree.files("**/*.jsonl") == Files{"a/1.jsonl", "a/b/2.jsonl", "a/b/c/3.jsonl", "x[1].jsonl"});
  CHECK(tree.files("**/b/**/*.jsonl") == Files{"a/b/2.jsonl", "a/b/c/3.jsonl"});
  CHECK(tree.files("a/?/*.jsonl") == Files{"a/b/2.jsonl"});
  CHECK(tree.files("a/**/**/3.jsonl") == Files{"a/b/c/3.jsonl"});
  CHECK(tree.files("?.csv") == Files{"法.csv"});
  // What exists by that very name is no pattern.
  CHECK(tree.files("x[1].jsonl") == Files{"x[1].jsonl"});
}

TEST_CASE("what matches nothing is told with the nearest name") {
  const Tree tree({"data/train.jsonl", "data/deep/x.jsonl"});
  CHECK(tree.files("data/trian.jsonl") == Files{R"(no such file or folder; there is "train.jsonl")"});
  CHECK(tree.files("dta/train.jsonl").front().ends_with(R"(; there is "data")"));
  CHECK(tree.files("data/*.json").front().starts_with("no file matches the pattern"));
  CHECK(tree.files("dta/*.jsonl").front().ends_with(R"(; there is "data")"));
  CHECK(tree.files("*").front() == "only folders match the pattern; add `/**` for the files below them");
  CHECK(tree.files("data/train.jsonl/x.jsonl").front().starts_with("no "));
}

TEST_CASE("links are followed, once, and a loop ends") {
  const Tree tree({"a/1.jsonl", "b/2.jsonl"});
  fs::create_directory_symlink(tree.path(), tree / "a/up");
  fs::create_directory_symlink(tree / "a", tree / "b/other");
  fs::create_symlink(tree / "a/1.jsonl", tree / "b/same.jsonl");
  fs::create_symlink(tree / "nowhere", tree / "b/broken.jsonl");
  CHECK(tree.files("") == Files{"a/1.jsonl", "b/2.jsonl"});
  CHECK(tree.files("**/*.jsonl").size() == 3);  // the broken link is found, and an error when it is read
  CHECK(tree.files("b/same.jsonl") == Files{"b/same.jsonl"});
}

TEST_CASE("control characters of names do not reach a message") {
  const Tree tree({"a\x1b]0;m.jsonl"});
  const std::string message = tree.files("b\x1b]0;m.jsonl").front();
  CHECK(message == R"(no such file or folder; there is "a\x1b]0;m.jsonl")");
}
