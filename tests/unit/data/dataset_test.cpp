#include "lore/data/dataset.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/data/toy_tokenizer.h"

using lore::Dataset;
using lore::Overlong;
using lore::SourceSpec;

namespace {

const lore::ExampleBuilder kBuilder(std::make_shared<ToyTokenizer>(), std::nullopt, {});

/// Row i has a prompt of i bytes and a completion of 3, so i + 4 tokens.
std::filesystem::path write_rows(const TemporaryFolder& folder, const char* name, int rows) {
  std::ofstream file(folder / name);
  for (int i = 0; i < rows; ++i) {
    file << R"({"prompt": ")" << std::string(static_cast<std::size_t>(i), 'p') << R"(", "completion": "abc"})"
         << "\n";
  }
  return folder / name;
}

Dataset load(const std::vector<SourceSpec>& sources, std::int64_t max_length, Overlong overlong,
             int threads = 2) {
  return lore::load_dataset(sources, kBuilder, max_length, overlong, threads);
}

std::vector<std::string> sources_of(const Dataset& dataset) {
  std::vector<std::string> sources;
  for (const auto& example : dataset.examples) {
    sources.push_back(example.source);
  }
  return sources;
}

}  // namespace

TEST_CASE("examples keep the order of sources and rows for any number of threads") {
  const TemporaryFolder folder;
  const std::vector<SourceSpec> sources = {{.path = write_rows(folder, "a.jsonl", 150), .limit = 100},
                                           {.path = write_rows(folder, "b.jsonl", 30)}};
  const Dataset one = load(sources, 1000, Overlong::kError, 1);
  REQUIRE(one.examples.size() == 130);
  CHECK(one.examples[100].source == (folder / "b.jsonl").string() + ":1");
  for (const int threads : {2, 7}) {
    const Dataset other = load(sources, 1000, Overlong::kError, threads);
    CHECK(sources_of(other) == sources_of(one));
    CHECK(std::equal(one.examples.begin(), one.examples.end(), other.examples.begin(),
                     [](const auto& x, const auto& y) { return x.ids == y.ids && x.trained == y.trained; }));
  }
  REQUIRE(one.sources.size() == 2);
  CHECK(one.sources[0].rows == 100);
  CHECK(one.sources[1].examples == 30);
  CHECK(one.sources[1].tokens == 30 * 4 + 29 * 30 / 2);
  // The first row has no prompt: its first token is not predicted.
  CHECK(one.sources[1].trained_tokens == 30 * 4 - 1);
  CHECK(one.tokens() == one.sources[0].tokens + one.sources[1].tokens);
  CHECK(one.trained_tokens() == 130 * 4 - 2);
}

TEST_CASE("a row longer than the maximum is an error unless something else is asked for") {
  const TemporaryFolder folder;
  const std::vector<SourceSpec> sources = {{.path = write_rows(folder, "a.jsonl", 10)}};
  CHECK_THROWS_WITH(load(sources, 11, Overlong::kError),
                    Catch::Contains("2 rows") &&
                        Catch::Contains("a.jsonl:9: has 12 tokens, more than data.max_length 11") &&
                        Catch::Contains("a.jsonl:10: "));
  const Dataset dropped = load(sources, 11, Overlong::kDrop);
  CHECK(dropped.examples.size() == 8);
  CHECK(dropped.sources[0].dropped == 2);
  const Dataset right = load(sources, 11, Overlong::kTruncateRight);
  CHECK(right.sources[0].truncated == 2);
  CHECK(ToyTokenizer().decode(right.examples[9].ids, false) == "pppppppppab");
  const Dataset left = load(sources, 11, Overlong::kTruncateLeft);
  CHECK(ToyTokenizer().decode(left.examples[9].ids, false) == "pppppppabc</s>");
  CHECK(left.examples[9].trained == std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1});
}

TEST_CASE("a cut that leaves nothing to train is an error") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(load({{.path = write_rows(folder, "a.jsonl", 10)}}, 8, Overlong::kTruncateRight),
                    Catch::Contains("a.jsonl:9: has no trained token left"));
}

TEST_CASE("the names of what to do with long rows") {
  CHECK(lore::parse_overlong("error") == Overlong::kError);
  CHECK(lore::parse_overlong("truncate_right") == Overlong::kTruncateRight);
  CHECK(lore::parse_overlong("truncate_left") == Overlong::kTruncateLeft);
  CHECK(lore::parse_overlong("drop") == Overlong::kDrop);
  CHECK_THROWS_AS(lore::parse_overlong("truncate"), lore::Error);
}

TEST_CASE("bad rows of all sources are reported together, by file and line") {
  const TemporaryFolder folder;
  std::ofstream(folder / "a.jsonl") << "{\"x\": 1}\n{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"y\": 1}\n";
  std::ofstream(folder / "b.jsonl") << "{\"z\": 1}\n";
  const std::vector<SourceSpec> sources = {{.path = folder / "a.jsonl"}, {.path = folder / "b.jsonl"}};
  CHECK_THROWS_WITH(load(sources, 99, Overlong::kError),
                    Catch::Contains("3 rows") && Catch::Contains("a.jsonl:1: ") &&
                        Catch::Contains("a.jsonl:3: ") && Catch::Contains("b.jsonl:1: "));
}

TEST_CASE("the validation split is a function of the seed, and every example is on one side") {
  const TemporaryFolder folder;
  const std::vector<SourceSpec> sources = {{.path = write_rows(folder, "a.jsonl", 50)}};
  const auto split = [&](std::uint64_t seed) {
    Dataset train = load(sources, 99, Overlong::kError);
    const Dataset validation = lore::split_validation(train, 0.1, seed);
    CHECK(validation.examples.size() == 5);
    CHECK(train.examples.size() == 45);
    std::vector<std::string> all = sources_of(validation);
    const std::vector<std::string> rest = sources_of(train);
    all.insert(all.end(), rest.begin(), rest.end());
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == 50);
    return sources_of(validation);
  };
  CHECK(split(1) == split(1));
  CHECK(split(1) != split(2));
}

TEST_CASE("a split that leaves a side empty is refused") {
  const TemporaryFolder folder;
  Dataset one = load({{write_rows(folder, "a.jsonl", 1), {}}}, 99, Overlong::kError);
  CHECK_THROWS_AS(lore::split_validation(one, 0.5, 1), lore::Error);
  Dataset two = load({{write_rows(folder, "b.jsonl", 2), {}}}, 99, Overlong::kError);
  CHECK_THROWS_AS(lore::split_validation(two, 1.0, 1), lore::Error);
  CHECK(lore::split_validation(two, 0.01, 1).examples.size() == 1);
}
