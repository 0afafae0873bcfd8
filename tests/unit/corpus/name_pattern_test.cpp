#include "lore/corpus/name_pattern.h"

#include "support/catch.h"

using lore::matches_name;

TEST_CASE("a pattern matches whole names, character by character") {
  CHECK(matches_name("*.jsonl", "a.jsonl"));
  CHECK(matches_name("*.jsonl", "x.y.jsonl"));
  CHECK_FALSE(matches_name("*.jsonl", "a.jsonl.gz"));
  CHECK(matches_name("a*b*c", "aXbXbXc"));
  CHECK_FALSE(matches_name("a*b*c", "aXbXb"));
  CHECK(matches_name("?.txt", "法.txt"));
  CHECK_FALSE(matches_name("?.txt", "法律.txt"));
  CHECK(matches_name("part-[0-9][0-9]", "part-07"));
  CHECK_FALSE(matches_name("part-[0-9][0-9]", "part-7x"));
  CHECK(matches_name("[一-龥]?", "中x"));
  CHECK_FALSE(matches_name("[!一-龥]", "中"));
  CHECK(matches_name("[^a]", "b"));
  CHECK(matches_name("[]]", "]"));
  CHECK(matches_name("[a-]", "-"));
  CHECK(matches_name("[", "["));
  CHECK(matches_name("a[b", "a[b"));
  CHECK(matches_name("**", "abc"));
  CHECK_FALSE(matches_name("", "a"));
}

TEST_CASE("a dot at the front is matched by a dot alone") {
  CHECK_FALSE(matches_name("*", ".hidden"));
  CHECK_FALSE(matches_name("?hidden", ".hidden"));
  CHECK_FALSE(matches_name("[.]hidden", ".hidden"));
  CHECK(matches_name(".*", ".hidden"));
}

TEST_CASE("a hostile pattern takes no time") {
  const std::string stars = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
  CHECK_FALSE(matches_name(stars, std::string(5000, 'a')));
}
