#include "lore/adapters/python_pattern.h"

#include "lore/core/error.h"
#include "support/catch.h"

using lore::PythonPattern;

TEST_CASE("fullmatch wants the whole text and match its beginning, as in Python") {
  const PythonPattern pattern("q_proj|v");
  CHECK(pattern.full_match("q_proj"));
  CHECK_FALSE(pattern.full_match("v_proj"));
  CHECK(pattern.match("v_proj"));
  CHECK_FALSE(pattern.match("xv"));
}

TEST_CASE("the named group idx is the layer") {
  CHECK(PythonPattern(R"(.*?\.[^.]*\.(?<idx>\d+)\.)").match_index("model.layers.12.self_attn.q_proj") ==
        "12");
  CHECK(PythonPattern(R"(.*?\.[^.]*\.(?<idx>\d+)\.)").match_index("lm_head").empty());
}

TEST_CASE("a wrong pattern and an explosive one are errors") {
  CHECK_THROWS_AS(PythonPattern("("), lore::Error);
  CHECK_THROWS_AS(PythonPattern("(a+)+").full_match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"),
                  lore::Error);
}
