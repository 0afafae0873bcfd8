#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "support/catch.h"
#include "unit/text/render.h"

TEST_CASE("a newline after a tag and white space before it go") {
  CHECK(render("  {% if true %}  \n  x\n\t {% endif %}\n y\n") == "  \n  x\n y");
  CHECK(render("  {{ 1 }}\n  {# c #}\nz") == "  1\nz");
}

TEST_CASE("signs strip all white space or keep it") {
  CHECK(render("a \n {%- if true -%} \n b \n {%- endif %}") == "ab");
  CHECK(render("a\n  {%+ if true +%}\nb{% endif %}") == "a\n  \nb");
  CHECK(render("a {{- 1 -}} \n b") == "a1b");
}

TEST_CASE("raw blocks and comments") {
  CHECK(render("{% raw %}{{ x }}{% y %}{% endraw %}{# {{ z }} #}.") == "{{ x }}{% y %}.");
}

TEST_CASE("brackets inside an expression do not end it") {
  CHECK(render("{{ {'a': {'b': 1}}['a']['b'] }}") == "1");
}

TEST_CASE("what is set in a loop stays in its pass, what is set in an if goes out") {
  CHECK(render("{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 9 %}{{ x }}{% endfor %}{{ x }}") ==
        "19191");
  CHECK(render("{% if true %}{% set y = 3 %}{% endif %}{{ y }}") == "3");
}

TEST_CASE("a namespace carries values out of a loop") {
  CHECK(render("{% set ns = namespace(n=0) %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}{% endfor %}{{ "
               "ns.n }}") == "6");
  CHECK_THROWS_AS(render("{% set x = {} %}{% set x.y = 1 %}"), lore::Error);
}

TEST_CASE("a loop knows where it is") {
  CHECK(render("{% for c in 'abc' %}{{ loop.index }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}"
               "{{ loop.previtem }}{{ loop.nextitem }}{{ loop.length }} {% else %}x{% endfor %}") ==
        "12TrueFalseb3 21FalseFalseac3 30FalseTrueb3 ");
  CHECK(render("{% for x in [] %}a{% else %}none{% endfor %}") == "none");
  CHECK(render("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}") == "a1");
  CHECK_THROWS_AS(render("{% for a, b in [[1]] %}{% endfor %}"), lore::Error);
}

TEST_CASE("break and continue leave the innermost loop") {
  CHECK(render("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% "
               "endif %}"
               "{{ i }}{% endfor %}") == "023");
  CHECK_THROWS_AS(render("{% break %}"), lore::Error);
}

TEST_CASE("macros take defaults and names, see the outside and call themselves") {
  CHECK(
      render(
          "{% set g = 'G' %}{% macro f(a, b=2) %}{{ g }}{{ a }}{{ b }}{% if a > 1 %}{{ f(a - 1) }}{% endif %}"
          "{% endmacro %}{{ f(2, b=7) }}") == "G27G12");
  CHECK(render("{% macro box(t) %}[{{ t }}{{ caller('in') }}]{% endmacro %}{% call(x) box('T') %}{{ x }}!{% "
               "endcall %}") == "[Tin!]");
}

TEST_CASE("blocks of text can be set and filtered") {
  CHECK(render("{% set x %}a{{ 1 }}{% endset %}[{{ x }}]{% filter upper %}b{% endfilter %}") == "[a1]B");
  CHECK(render("{% with a = 2 %}{{ a }}{% endwith %}{{ a }}") == "2");
}

TEST_CASE("what cannot be parsed is an error with its line") {
  CHECK_THROWS_WITH(render("a\n{% if x %}"), Catch::Contains("t:2: ") && Catch::Contains("endif"));
  CHECK_THROWS_WITH(render("\n\n{{ 1"), Catch::Contains("t:3: ") && Catch::Contains("}}"));
  CHECK_THROWS_WITH(render("{% include 'x' %}"), "t:1: the tag 'include' is unknown or not supported");
  CHECK_THROWS_WITH(render("{{ 1|nonsense }}"), "t:1: the filter 'nonsense' is unknown or not supported");
  CHECK_THROWS_AS(render("{{ 1 is nonsense }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ ) }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ 'x }}"), lore::Error);
  CHECK_THROWS_AS(render("{% raw %}"), lore::Error);
  CHECK_THROWS_AS(render("{# "), lore::Error);
}
