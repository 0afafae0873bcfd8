#include "lore/data/batch.h"

#include "lore/core/error.h"
#include "support/catch.h"

using lore::Example;

namespace {

const std::vector<Example> kExamples = {
    {{10, 11, 12}, {0, 1, 1}, "a:1"}, {{20, 21}, {1, 1}, "a:2"}, {{30}, {1}, "a:3"}};

}  // namespace

TEST_CASE("examples lie one after another, and a label is the next token of the same piece") {
  const std::vector<std::int64_t> indices = {1, 0, 2};
  const lore::Batch batch = lore::make_batch(kExamples, indices);
  CHECK(batch.ids == std::vector<std::int32_t>{20, 21, 10, 11, 12, 30});
  CHECK(batch.labels == std::vector<std::int32_t>{21, -100, 11, 12, -100, -100});
  CHECK(batch.segments.offsets == std::vector<std::int64_t>{0, 2, 5, 6});
  CHECK(batch.segments.first_position == std::vector<std::int64_t>{0, 0, 0});
  CHECK(batch.trained_tokens == 3);
  CHECK(batch.example_of_segment == indices);
  CHECK(lore::count_trained(kExamples[1]) == 1);
}

TEST_CASE("an index without an example is an error") {
  CHECK_THROWS_AS(lore::make_batch(kExamples, std::vector<std::int64_t>{3}), lore::Error);
  CHECK_THROWS_AS(lore::make_batch(kExamples, std::vector<std::int64_t>{-1}), lore::Error);
}
