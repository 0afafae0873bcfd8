#include "lore/data/overlong.h"

#include "lore/core/error.h"
#include "support/catch.h"

using lore::Example;
using lore::fit;
using lore::Overlong;

namespace {

Example example(std::size_t length, std::size_t first_trained) {
  Example example;
  example.source = "a:1";
  for (std::size_t i = 0; i < length; ++i) {
    example.ids.push_back(static_cast<std::int32_t>(i));
    example.trained.push_back(i >= first_trained ? 1 : 0);
  }
  return example;
}

}  // namespace

TEST_CASE("the pieces of a split predict every trained token once") {
  for (std::size_t length = 2; length < 40; ++length) {
    for (std::size_t first_trained = 0; first_trained + 1 < length; first_trained += 3) {
      for (const std::int64_t max_length : {2, 3, 7, 16}) {
        CAPTURE(length, first_trained, max_length);
        const lore::Fitted fitted = fit(example(length, first_trained), max_length, Overlong::kSplit);
        std::vector<std::int32_t> predicted;
        for (const Example& piece : fitted.examples) {
          CHECK(piece.ids.size() <= static_cast<std::size_t>(max_length));
          CHECK(piece.ids.size() >= 2);
          CHECK(count_trained(piece) > 0);
          for (std::size_t t = 1; t < piece.ids.size(); ++t) {
            CHECK(piece.ids[t] == piece.ids[t - 1] + 1);
            if (piece.trained[t] != 0) {
              predicted.push_back(piece.ids[t]);
            }
          }
          CHECK((piece.ids[0] == 0 || piece.trained[0] == 0));
        }
        std::vector<std::int32_t> expected;
        for (std::size_t t = std::max<std::size_t>(1, first_trained); t < length; ++t) {
          expected.push_back(static_cast<std::int32_t>(t));
        }
        CHECK(predicted == expected);
        CHECK(fitted.split == (length > static_cast<std::size_t>(max_length)));
        const std::size_t step = static_cast<std::size_t>(max_length) - 1;
        CHECK(fitted.examples.size() + static_cast<std::size_t>(fitted.unlabelled) ==
              (fitted.split ? (length - 1 + step - 1) / step : 1));
      }
    }
  }
}

TEST_CASE("a cut keeps one end, and is an error where it leaves nothing to train") {
  const lore::Fitted right = fit(example(10, 2), 4, Overlong::kTruncateRight);
  REQUIRE(right.truncated);
  CHECK(right.examples[0].ids == std::vector<std::int32_t>{0, 1, 2, 3});
  const lore::Fitted left = fit(example(10, 2), 4, Overlong::kTruncateLeft);
  CHECK(left.examples[0].ids == std::vector<std::int32_t>{6, 7, 8, 9});
  CHECK_THROWS_WITH(fit(example(10, 8), 4, Overlong::kTruncateRight),
                    Catch::Contains("a:1: has no trained token left in 4 of its 10 tokens"));
}

TEST_CASE("an example too long is an error that says what to do, or is dropped") {
  CHECK_THROWS_WITH(fit(example(10, 8), 4, Overlong::kError),
                    Catch::Contains("a:1: has 10 tokens, more than data.max_length 4"));
  const lore::Fitted dropped = fit(example(10, 8), 4, Overlong::kDrop);
  CHECK(dropped.dropped);
  CHECK(dropped.examples.empty());
  CHECK(fit(example(4, 1), 4, Overlong::kError).examples.size() == 1);
}

TEST_CASE("the names of what to do with long rows") {
  CHECK(lore::parse_overlong("error") == Overlong::kError);
  CHECK(lore::parse_overlong("split") == Overlong::kSplit);
  CHECK(lore::parse_overlong("truncate_right") == Overlong::kTruncateRight);
  CHECK(lore::parse_overlong("truncate_left") == Overlong::kTruncateLeft);
  CHECK(lore::parse_overlong("drop") == Overlong::kDrop);
  CHECK_THROWS_AS(lore::parse_overlong("truncate"), lore::Error);
}
