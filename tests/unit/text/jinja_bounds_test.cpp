#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "support/catch.h"
#include "unit/text/render.h"

namespace {

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

}  // namespace

TEST_CASE("a template that does not come to an end is stopped") {
  CHECK_THROWS_WITH(render("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
                    Catch::Contains("more than 1000000 steps"));
  CHECK_THROWS_WITH(render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
                    Catch::Contains("nested deeper"));
}

TEST_CASE("output and texts are bounded") {
  CHECK_THROWS_AS(render("{% for i in range(99999) %}" + std::string(100, 'x') + "{% endfor %}"),
                  lore::Error);
  CHECK_THROWS_AS(
      render(
          "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"),
      lore::Error);
  CHECK_THROWS_AS(render("{{ 'x' * 99999999999 }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ [0] * 99999999 }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ range(10000000)|list }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ ('x' * 1000000).replace('x', 'y' * 1000000) }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ '%999999999d' % 1 }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ (('x,' * 50000).split(','))|join('y' * 100000) }}"), lore::Error);
}

TEST_CASE("looking for a long text in a longer one is counted") {
  for (const char* search :
       {"(part ~ 'b') in text", "text.find(part ~ 'b')", "text.count(part ~ 'b')",
        "text.replace(part ~ 'b', 'c')|length", "text.split(part ~ 'b')|length",
        "text.rsplit(part ~ 'b')|length", "text|trim(part ~ 'b')", "text.strip(part ~ 'b')"}) {
    CHECK_THROWS_WITH(
        render("{% set text = 'a' * 500000 %}{% set part = 'a' * 250000 %}{{ " + std::string(search) + " }}"),
        Catch::Contains("more than 1000000 steps"));
  }
}

TEST_CASE("a long conversation is not taken for an endless template") {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (int i = 0; i < 300; ++i) {
    messages.push_back({{"role", "user"}, {"content", repeated("a long question ", 200)}});
    messages.push_back({{"role", "assistant"}, {"content", repeated("a long answer ", 200)}});
  }
  const std::string text = render(
      "{% for m in messages %}{% if loop.index0 < messages|length and 'tool_calls' not in m and "
      "m.get('content') "
      "%}{{ m.content.strip() }}{% endif %}{% endfor %}",
      nullptr, messages);
  CHECK(text.size() > std::size_t{1} << 20);
}

TEST_CASE("a width that is not made is an error, never another width") {
  for (const char* source :
       {"{{ 'x'|center(1001) }}", "{{ 'x\ny'|indent(1001) }}", "{{ [1]|tojson(indent=1001) }}"}) {
    CHECK_THROWS_WITH(render(source), Catch::Contains("widths end at 1000"));
  }
  CHECK(render("{{ 'x'|center(5) }}|{{ 'a\nb'|indent(2) }}|{{ 'x'|center(-3) }}") == "  x  |a\n  b|x");
}

TEST_CASE("templates that call each other without end, in macros and call blocks, are stopped") {
  CHECK_THROWS_WITH(
      render("{% macro f(n) %}{{ g(n) }}{% endmacro %}{% macro g(n) %}{{ f(n) }}{% endmacro %}{{ f(1) "
             "}}"),
      Catch::Contains("nested deeper"));
  CHECK_THROWS_WITH(
      render("{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{% call f() %}x{% "
             "endcall %}"),
      Catch::Contains("nested deeper"));
  CHECK_THROWS_WITH(
      render("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) "
             "}}"),
      Catch::Contains("more than 1000000 steps"));
  CHECK_THROWS_AS(render("{% for i in range(10**9) %}x{% endfor %}"), lore::Error);
  CHECK_THROWS_AS(render("{{ range(10**18)|length }}{{ 10 ** 10 ** 10 }}"), lore::Error);
}

TEST_CASE("values that share their parts cannot grow beyond what may be walked through") {
  CHECK_THROWS_AS(render("{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] "
                         "%}{% endfor %}{{ ns.x == ns.x }}"),
                  lore::Error);
  CHECK_THROWS_AS(
      render("{% set ns = namespace(x=[]) %}{% for i in range(999) %}{% set ns.x = [ns.x] %}{% endfor %}"),
      lore::Error);
}

TEST_CASE("deep nesting of the source is an error, not a crash") {
  CHECK_THROWS_AS(render("{{ " + repeated("(", 100000) + "1" + repeated(")", 100000) + " }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ " + repeated("[", 100000)), lore::Error);
  CHECK_THROWS_AS(render("{{ " + repeated("not ", 100000) + "1 }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ " + repeated("-", 100000) + "1 }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ x" + repeated(".x", 100000) + " }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ x" + repeated("|trim", 100000) + " }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ 1" + repeated(" + 1", 100000) + " }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ 1" + repeated(" if 1 else 1", 100000) + " }}"), lore::Error);
  CHECK_THROWS_AS(render(repeated("{% if 1 %}", 50000)), lore::Error);
  CHECK_THROWS_AS(render("{% set " + repeated("(", 100000)), lore::Error);
  CHECK_THROWS_AS(render("{{ x is " + repeated("in x is ", 50000) + "in x }}"), lore::Error);
  CHECK(render("{% if 0 %}" + repeated("{% elif 0 %}", 5000) + "{% else %}e{% endif %}") == "e");
}

TEST_CASE("a source that is not UTF-8 or too long is refused") {
  CHECK_THROWS_AS(render("\xFF"), lore::Error);
  CHECK_THROWS_AS(render(std::string((1 << 20) + 1, 'x')), lore::Error);
}

TEST_CASE("there is no way to a function's insides") {
  for (const char* source :
       {"{{ ''.__class__ }}", "{{ range.__globals__ }}", "{{ messages.__class__.__mro__ }}",
        "{{ namespace().__init__ }}", "{{ self }}", "{{ loop }}"}) {
    try {
      const std::string text = render(source);
      CHECK(text.empty());
    } catch (const lore::Error&) {
      SUCCEED("refused");
    }
  }
}
