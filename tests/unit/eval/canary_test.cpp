#include "lore/eval/canary.h"

#include <set>

#include "lore/core/error.h"
#include "lore/eval/memorisation.h"
#include "support/catch.h"

TEST_CASE("a canary is a text of its format") {
  const lore::CanaryFormat format("密码 {digits:2}-{letters:1}{capitals:1}{hex:2}!");
  CHECK(format.matches("密码 42-xQ0f!"));
  for (const char* other :
       {"密码 4x-xQ0f!", "密码 42-xq0f!", "密码 42-xQ0g!", "密码 42-xQ0f", "密码 42-xQ0f!!", ""}) {
    CAPTURE(other);
    CHECK_FALSE(format.matches(other));
  }
}

TEST_CASE("candidates are other texts of the format, each once and always the same") {
  const lore::CanaryFormat format("the code is {digits:4}");
  const auto candidates = format.candidates("the code is 4711", 255, 3);
  const std::set<std::string> distinct(candidates.begin(), candidates.end());
  CHECK(distinct.size() == 255);
  CHECK(distinct.count("the code is 4711") == 0);
  CHECK(std::all_of(distinct.begin(), distinct.end(), [&](const auto& one) { return format.matches(one); }));
  CHECK(format.candidates("the code is 4711", 255, 3) == candidates);
  CHECK(format.candidates("the code is 4711", 255, 4) != candidates);
}

TEST_CASE("all texts of a small format are candidates") {
  const auto candidates = lore::CanaryFormat("{digits:1}{digits:1}").candidates("07", 255, 0);
  CHECK(candidates.size() == 99);
  CHECK(std::set<std::string>(candidates.begin(), candidates.end()).size() == 99);
}

TEST_CASE("a format that says nothing is refused") {
  for (const char* format :
       {"no random part", "{digits}", "{digits:0}", "{digits:65}", "{names:3}", "{digits:4"}) {
    CAPTURE(format);
    CHECK_THROWS_AS(lore::CanaryFormat(format), lore::Error);
  }
}

TEST_CASE("exposure is the bits by which a canary ranks above a random text") {
  std::vector<double> candidates;
  for (int i = 1; i <= 255; ++i) {
    candidates.push_back(-i);
  }
  CHECK(lore::exposure(0, candidates) == Approx(8));       // rank 1 of 256
  CHECK(lore::exposure(-1.5, candidates) == Approx(7));    // rank 2
  CHECK(lore::exposure(-127.5, candidates) == Approx(1));  // rank 128
  CHECK(lore::exposure(-300, candidates) == Approx(0));    // the last
}

TEST_CASE("what a model would say by itself is counted by prefix, run and windows of 5 tokens") {
  const lore::Reproduction kept =
      lore::reproduction({true, true, false, true, true, true, true, true, true, false});
  CHECK(kept.tokens == 10);
  CHECK(kept.prefix == 2);
  CHECK(kept.longest_run == 6);
  CHECK(kept.ngrams == 6);
  CHECK(kept.ngrams_kept == 2);
  CHECK(lore::reproduction({true, true}).ngrams == 0);
  CHECK(lore::reproduction({true, true}).prefix == 2);
}
