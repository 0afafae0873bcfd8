#include "lore/data/cache_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/data/kept_messages.h"

using lore::CacheFolder;
using lore::Example;
using lore::TokenCache;
using lore::TokenCacheWriter;

namespace {

namespace fs = std::filesystem;

const std::string kKey = lore::sha256_hex("key");

nlohmann::ordered_json fill(TokenCacheWriter& writer) {
  writer.add_row("a.jsonl:1", std::nullopt);
  writer.add_example({{5, 6, 7}, {0, 1, 1}, "a.jsonl:1"});
  writer.add_example({{8, 9}, {1, 1}, "a.jsonl:1"});
  writer.add_bad("a.jsonl:2", "is wrong", "{\xFF\"");
  writer.add_row("b", std::nullopt);
  writer.add_example({{1}, {1}, "b"});
  writer.add_left_out("b:7", "is long", "text");
  return {{"made", "by a test"}};
}

CacheFolder folder_at(const fs::path& path, KeptMessages& messages,
                      std::uint64_t budget = std::uint64_t{1} << 30) {
  return CacheFolder({path, fs::temp_directory_path(), budget}, messages);
}

void check_whole(const TokenCache& cache) {
  REQUIRE(cache.count() == 3);
  CHECK(cache.rows() == 2);
  const lore::ExampleView first = cache.view(0);
  CHECK(std::vector<std::int32_t>(first.ids.begin(), first.ids.end()) == std::vector<std::int32_t>{5, 6, 7});
  CHECK(std::vector<std::uint8_t>(first.trained.begin(), first.trained.end()) ==
        std::vector<std::uint8_t>{0, 1, 1});
  CHECK(first.source == "a.jsonl:1");
  CHECK(cache.view(1).source == "a.jsonl:1");
  CHECK(cache.view(2).source == "b");
  CHECK(cache.trained(1) == 1);
  CHECK(cache.largest_id() == 9);
  CHECK(cache.bad() == "{\"source\":\"a.jsonl:2\",\"why\":\"is wrong\",\"row\":\"{\xEF\xBF\xBD\\\"\"}\n");
  CHECK(cache.left_out() == "{\"source\":\"b:7\",\"why\":\"is long\",\"row\":\"text\"}\n");
  CHECK(cache.summary() == nlohmann::ordered_json{{"made", "by a test"}});
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

void make_old(const fs::path& path, std::time_t seconds) {
  const timespec times[2] = {{std::time(nullptr) - seconds, 0}, {std::time(nullptr) - seconds, 0}};
  ::utimensat(AT_FDCWD, path.c_str(), times, 0);
}

}  // namespace

TEST_CASE("a cache is found again, whole, and only its owner can read it") {
  const TemporaryFolder temporary;
  const fs::path path = temporary / "deep" / "tokens";
  KeptMessages messages;
  const CacheFolder folder = folder_at(path, messages);
  CHECK(folder.find(kKey) == nullptr);
  check_whole(*folder.build(kKey, fill));
  const auto found = folder.find(kKey);
  REQUIRE(found);
  check_whole(*found);
  CHECK(folder.find(lore::sha256_hex("another")) == nullptr);
  CHECK(messages.texts.empty());
  CHECK(fs::status(path).permissions() == fs::perms::owner_all);
  REQUIRE(names_in(path) == std::vector<std::string>{kKey + ".tokens"});
  CHECK(fs::status(path / (kKey + ".tokens")).permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("a cache without anything in it is a cache") {
  const TemporaryFolder temporary;
  KeptMessages messages;
  const CacheFolder folder = folder_at(temporary.path(), messages);
  folder.build(kKey, [](TokenCacheWriter&) { return nlohmann::ordered_json::object(); });
  const auto found = folder.find(kKey);
  REQUIRE(found);
  CHECK(found->count() == 0);
  CHECK(found->largest_id() == -1);
}

TEST_CASE("a cache cut off anywhere or changed in any byte is never taken for whole") {
  const TemporaryFolder temporary;
  KeptMessages messages;
  const CacheFolder folder = folder_at(temporary.path(), messages);
  folder.build(kKey, fill);
  const fs::path file = temporary / (kKey + ".tokens");
  const std::string whole = read(file);
  const auto is_noticed = [&](const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    messages.texts.clear();
    const auto found = folder.find(kKey);
    if (!found) {
      return messages.all().find("is damaged") != std::string::npos && !fs::exists(file);
    }
    // Tokens are checked where they are read.
    try {
      for (std::int64_t i = 0; i < found->count(); ++i) {
        found->view(i);
      }
    } catch (const lore::Error& error) {
      return std::string(error.what()).find("is damaged") != std::string::npos;
    }
    return false;
  };
  for (std::size_t length = 0; length < whole.size(); length += 13) {
    CAPTURE(length);
    REQUIRE(is_noticed(whole.substr(0, length)));
  }
  CHECK(is_noticed(whole + "x"));
  CHECK(is_noticed(std::string(whole.size(), '\0')));
  std::size_t unnoticed = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    unnoticed += is_noticed(changed) ? 0 : 1;
  }
  // Only the zeros between sections mean nothing.
  CHECK(unnoticed < 64 * 8);
  std::ofstream(file, std::ios::binary | std::ios::trunc) << whole;
  check_whole(*folder.find(kKey));
  const std::string other = lore::sha256_hex("other");
  fs::rename(file, temporary / (other + ".tokens"));
  CHECK(folder.find(other) == nullptr);
}

TEST_CASE("what a build throws leaves nothing behind") {
  const TemporaryFolder temporary;
  KeptMessages messages;
  const CacheFolder folder = folder_at(temporary.path(), messages);
  CHECK_THROWS_WITH(folder.build(kKey,
                                 [](TokenCacheWriter& writer) -> nlohmann::ordered_json {
                                   fill(writer);
                                   throw lore::Error(lore::ErrorKind::kInput, "x", "y");
                                 }),
                    "x: y");
  CHECK(names_in(temporary.path()).empty());
}

TEST_CASE(
    "a process killed while it writes leaves nothing that is taken for a cache, and its rest is removed") {
  const TemporaryFolder temporary;
  KeptMessages messages;
  const CacheFolder folder = folder_at(temporary.path(), messages);
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    folder.build(kKey, [&](TokenCacheWriter& writer) {
      auto summary = fill(writer);
      (void)!write(ready[1], "x", 1);
      pause();
      return summary;
    });
    _exit(0);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  // While it lives its file is not taken for a rest, however old it is.
  REQUIRE(names_in(temporary.path()).size() == 1);
  make_old(temporary / names_in(temporary.path())[0], 1000);
  folder.build(lore::sha256_hex("meanwhile"), fill);
  CHECK(names_in(temporary.path()).size() == 2);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(folder.find(kKey) == nullptr);
  check_whole(*folder.build(kKey, fill));
  CHECK(names_in(temporary.path()).size() == 2);
  check_whole(*folder.find(kKey));
}

TEST_CASE("several processes may make one cache at once") {
  const TemporaryFolder temporary;
  KeptMessages messages;
  const CacheFolder folder = folder_at(temporary.path(), messages);
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      int status = 1;
      try {
        for (int round = 0; round < 20; ++round) {
          auto cache = folder.find(kKey);
          if (!cache || round % 3 == 0) {
            cache = folder.build(kKey, fill);
          }
          status = cache->count() == 3 && cache->view(2).source == "b" ? 0 : 2;
        }
      } catch (...) {
        status = 3;
      }
      _exit(messages.texts.empty() ? status : 4);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  check_whole(*folder.find(kKey));
  CHECK(names_in(temporary.path()).size() == 1);
}

TEST_CASE("the caches used longest ago are removed past the budget, none that is in use") {
  const TemporaryFolder temporary;
  KeptMessages messages;
  const CacheFolder generous = folder_at(temporary.path(), messages);
  std::vector<std::string> keys;
  for (int i = 0; i < 4; ++i) {
    keys.push_back(lore::sha256_hex(std::to_string(i)));
    generous.build(keys.back(), fill);
    make_old(temporary / (keys.back() + ".tokens"), 1000 - i);
  }
  const auto in_use = generous.find(keys[0]);
  make_old(temporary / (keys[0] + ".tokens"), 1000);
  generous.find(keys[1]);  // used now
  const CacheFolder tight = folder_at(temporary.path(), messages, 3 * 4096);
  tight.build(kKey, fill);
  CHECK(generous.find(keys[0]));
  CHECK(generous.find(keys[1]));
  CHECK_FALSE(generous.find(keys[2]));
  CHECK_FALSE(generous.find(keys[3]));
  CHECK(generous.find(kKey));
}

TEST_CASE("without a folder that can be written nothing is kept, and that is said once") {
  const TemporaryFolder temporary;
  std::ofstream(temporary / "file") << "x";
  KeptMessages messages;
  const CacheFolder folder = folder_at(temporary / "file", messages);
  check_whole(*folder.build(kKey, fill));
  CHECK(folder.find(kKey) == nullptr);
  CHECK(messages.texts.size() == 1);
  CHECK(messages.all().find("cannot be written: tokenized data is not kept") != std::string::npos);
  KeptMessages silent;
  const CacheFolder none = folder_at({}, silent);
  check_whole(*none.build(kKey, fill));
  CHECK(silent.texts.empty());
}

TEST_CASE("the hash of a file is remembered until the file changes") {
  const TemporaryFolder temporary;
  KeptMessages messages;
  const CacheFolder folder = folder_at(temporary / "tokens", messages);
  const fs::path file = temporary / "data";
  std::ofstream(file) << "one";
  CHECK(folder.content_sha256(file) == lore::sha256_hex("one"));
  // A second write could give the same times: nothing is remembered of a file so young.
  CHECK(names_in(temporary / "tokens").empty());
  std::ofstream(file) << "two";
  CHECK(folder.content_sha256(file) == lore::sha256_hex("two"));
  std::ofstream(file) << "three";
  make_old(file, 1000);
  CHECK(folder.content_sha256(file) == lore::sha256_hex("three"));
}
