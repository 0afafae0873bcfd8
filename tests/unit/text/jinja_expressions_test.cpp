#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "support/catch.h"
#include "unit/text/render.h"

// What these expect is what jinja2 3.1 renders with transformers' settings; tests/interop/chat_templates.py
// compares many more with it.

TEST_CASE("literals print as Python prints them") {
  CHECK(render("{{ [1, 1.0, 1e16, 'a', \"it's\", true, none, (1,), {'k': []}] }}") ==
        "[1, 1.0, 1e+16, 'a', \"it's\", True, None, (1,), {'k': []}]");
  CHECK(render(R"({{ 'a\n\x41\u4e2d' 'b' }})") == "a\nA中b");
}

TEST_CASE("integers divide as in Python") {
  CHECK(render("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 6 / 3 }} {{ 2 ** 10 }}") ==
        "3 -4 2 -2 2.0 1024");
  CHECK_THROWS_AS(render("{{ 1 // 0 }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ 9223372036854775807 + 1 }}"), lore::Error);
  CHECK(render("{{ (-9223372036854775807 - 1) % -1 }}") == "0");
}

TEST_CASE("operators bind as in jinja2") {
  CHECK(render("{{ -1|abs }} {{ 'a' + 'b' ~ 1 }} {{ not 1 == 2 }} {{ 1 if false else 2 }} {{ 1 < 2 < 3 }}") ==
        "1 ab1 True 2 True");
}

TEST_CASE("texts are counted and cut by character") {
  CHECK(
      render("{{ 'héllo🙂'|length }} {{ 'héllo🙂'[1:3] }} {{ 'héllo🙂'[::-1] }} {{ 'héllo🙂'[-1] "
             "}}") == "6 él 🙂olléh 🙂");
}

TEST_CASE("lists slice as in Python") {
  CHECK(render("{{ [1,2,3,4][1:] }}{{ [1,2,3,4][::-1] }}{{ [1,2,3,4][-2:] }}{{ [1,2,3,4][3:0:-2] }}{{ "
               "[1][5:] }}") == "[2, 3, 4][4, 3, 2, 1][3, 4][4, 2][]");
  CHECK_THROWS_AS(render("{{ [1][::0] }}"), lore::Error);
}

TEST_CASE("an undefined value is empty, and its attributes are errors") {
  CHECK(render("[{{ nothing }}{{ nothing|trim }}{{ nothing|default('d') }}{{ nothing is defined }}]") ==
        "[dFalse]");
  CHECK_THROWS_WITH(render("a\n{{ nothing.x }}"), "t:2: 'nothing' is undefined");
  CHECK_THROWS_WITH(render("{{ m.x.y }}", {{"m", {{"a", 1}}}}), "t:1: 'dict object' has no attribute 'x'");
}

TEST_CASE("methods come before keys with a dot, keys before methods in brackets") {
  CHECK(render("{{ {'items': 1}.items is callable }} {{ {'items': 1}['items'] }}") == "True 1");
}

TEST_CASE("methods that would modify a value are refused") {
  CHECK_THROWS_AS(render("{% set x = [] %}{{ x.append(1) }}"), lore::Error);
  CHECK_THROWS_AS(render("{{ {'a': 1}.pop('a') }}"), lore::Error);
}

TEST_CASE("tojson writes what json.dumps writes") {
  const nlohmann::ordered_json value = {{"b", {1.0, "é\"\n", nullptr}},
                                        {"a", nlohmann::ordered_json::object()}};
  CHECK(render("{{ v|tojson }}", {{"v", value}}) == R"({"b": [1.0, "é\"\n", null], "a": {}})");
  CHECK(render("{{ v|tojson(indent=2) }}", {{"v", value}}) ==
        "{\n  \"b\": [\n    1.0,\n    \"é\\\"\\n\",\n    null\n  ],\n  \"a\": {}\n}");
  CHECK(render("{{ v|tojson(sort_keys=true, separators=(',', ':'), ensure_ascii=true) }}", {{"v", value}}) ==
        R"({"a":{},"b":[1.0,"\u00e9\"\n",null]})");
  CHECK_THROWS_AS(render("{{ nothing|tojson }}"), lore::Error);
}

TEST_CASE("lazy filters are true, without a length, and gone after one pass") {
  CHECK(render("{{ 'yes' if []|select else 'no' }}") == "yes");
  CHECK(render("{% set g = [1, 2]|map('string') %}{{ g|join }}{{ g|join }}") == "12");
  CHECK_THROWS_AS(render("{{ [1]|map('string')|length }}"), lore::Error);
}

TEST_CASE("filters over attributes") {
  const nlohmann::ordered_json messages = {{{"role", "user"}, {"n", {{"x", 2}}}},
                                           {{"role", "tool"}, {"n", {{"x", 1}}}}};
  CHECK(
      render("{{ m|selectattr('role', 'equalto', 'tool')|map(attribute='n.x')|list }}"
             "{{ m|rejectattr('role', 'in', ['tool'])|list|length }}{{ (m|sort(attribute='n.x'))[0].role }}",
             {{"m", messages}}) == "[1]1tool");
}

TEST_CASE("adding to a safe text escapes the other one, ~ does not") {
  CHECK(render("{{ ('<'|safe) + '<' }} {{ ('<'|safe) ~ '<' }}") == "<&lt; <<");
}
