"""Renders chat templates with Lore and with transformers, and compares texts and generation spans.

  chat_templates.py --probe PATH/render_probe                   our own templates, every construct
  chat_templates.py --probe ... --templates FOLDER [--verbose]  every *.jinja below FOLDER, many conversations
  chat_templates.py --probe ... --templates FOLDER --named      the templates Lore brings along against their stock
                                                                ones among these; they may accept more

Prints how many renderings are identical, different, errors on both sides, and errors on one side only.
Exits 1 when any is different or fails on one side only.
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys

from transformers.utils import chat_template_utils

NOW = 1767225600 + 86400 * 35 + 3723  # 5 February 2026, 01:02:03 UTC
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


class PinnedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, datetime.timezone.utc).replace(tzinfo=tz)


chat_template_utils.datetime = PinnedDatetime

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "query_stock",
            "description": "库存查询: \"stock\" of <one> part & its price's date",
            "parameters": {
                "type": "object",
                "properties": {
                    "part": {"type": "string", "description": "Part number, e.g. A-7"},
                    "limit": {"type": "number", "default": 1.0, "minimum": 1e-07, "maximum": 1e16},
                    "sites": {"type": "array", "items": {"type": "string", "enum": ["上海", "Köln"]}},
                },
                "required": ["part"],
            },
        },
    },
    {"type": "function", "function": {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}},
]

CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {"type": "function", "id": "abcdefghi", "function": {"name": "query_stock", "arguments": {"part": "A-7", "limit": 2, "sites": ["上海"], "exact": True, "note": None}}}
    ],
}
RESULT = {"role": "tool", "name": "query_stock", "tool_call_id": "abcdefghi", "content": '{"stock": 12, "site": "上海"}'}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


CONVERSATIONS = {
    "one turn": [user("Hi"), assistant("Hello.")],
    "open": [user("Hi")],
    "system": [{"role": "system", "content": "You are terse."}, user("什么是风控阈值？"), assistant("风控阈值是触发预警的界限。")],
    "turns": [user("a"), assistant("b"), user(" c \n"), assistant("\n d  "), user("é🙂"), assistant("日本語 🙂🙂")],
    "system turns": [{"role": "system", "content": "  S \n"}, user("a"), assistant("b"), user("c"), assistant("d")],
    "markup": [user("<b> & 'x' \"y\" {{ 1 }} {% if %}"), assistant("\\n \\ \t tab\u00a0nbsp\u2028")],
    "thinking": [user("q"), assistant("<think>\nhm\n</think>\n\nanswer"), user("r"), assistant("<think>\nwell\n</think>\n\nfinal")],
    "reasoning": [user("q"), assistant("answer", reasoning_content="let me see"), user("r"), assistant("final", reasoning_content="again")],
    "tool call": [user("Stock of A-7?"), CALL, RESULT, assistant("12 pieces.")],
    "tool call, null": [user("Stock of A-7?"), {**CALL, "content": None}, RESULT, assistant("12 pieces."), user("Thanks"), assistant("Welcome.")],
    "tool call with text": [{"role": "system", "content": "S"}, user("Stock?"), {**CALL, "content": "Looking."}, RESULT, assistant("12.")],
    "call, text arguments": [user("Stock?"), {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "id": "abcdefghi", "function": {"name": "now", "arguments": "{\"a\": 1}"}}]}, RESULT, assistant("12.")],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}, assistant([{"type": "text", "text": "three"}])],
    "empty contents": [{"role": "system", "content": ""}, user(""), assistant("")],
    "system in the middle": [user("a"), assistant("b"), {"role": "system", "content": "S"}, user("c"), assistant("d")],
    "assistant first": [assistant("Welcome."), user("a"), assistant("b")],
    "no messages": [],
    "system only": [{"role": "system", "content": "S"}],
    "two systems": [{"role": "system", "content": "S"}, {"role": "system", "content": "T"}, user("a"), assistant("b")],
    "developer": [{"role": "developer", "content": "D"}, user("a"), assistant("b")],
    "assistants in a row": [user("a"), assistant("b"), assistant("c"), user("d"), assistant("e")],
    "users in a row": [user("a"), user("b"), assistant("c")],
    "unknown role": [user("a"), {"role": "critic", "content": "no"}, assistant("b")],
    "empty answers": [user("a"), assistant(""), user("b"), assistant(" \n ")],
    "same words": [user("assistant"), assistant("assistant"), user("user"), assistant("user"), user("a"), assistant("a")],
    "special words": [user("<|im_end|></s><|eot_id|><think>x</think>"), assistant("<|im_start|>user\nq<|im_end|> [INST] <start_of_turn>")],
    "think open": [user("q"), assistant("<think>\nnever closed"), user("r"), assistant("no opening</think>\n\n\nfinal\n")],
    "think twice": [user("q"), assistant("<think>a</think>b<think>c</think>d"), user("/no_think r"), assistant("<think>\n\n</think>\n\ne")],
    "reasoning, tools": [user("q"), {**CALL, "reasoning_content": "I should look."}, RESULT, assistant("12.", reasoning_content="Got it."), user("r"), {**CALL, "content": "Again.", "thinking": "hm"}, RESULT, assistant("Still 12.")],
    "reasoning as others spell it": [user("q"), assistant("a", thinking="t", reasoning="r"), user("r"), assistant("b", reasoning="s")],
    "two calls at once": [user("q"), {"role": "assistant", "content": None, "tool_calls": [CALL["tool_calls"][0], {"type": "function", "id": "bcdefghij", "function": {"name": "now", "arguments": {}}}]}, RESULT, {"role": "tool", "name": "now", "tool_call_id": "bcdefghij", "content": "12:00"}, assistant("12 at noon.")],
    "calls without an envelope": [user("q"), {"role": "assistant", "tool_calls": [{"name": "now", "arguments": {"zone": "Asia/上海", "n": 1.5}}]}, {"role": "tool", "content": "x"}, assistant("y")],
    "call last": [user("q"), CALL],
    "result last": [user("q"), CALL, RESULT],
    "result as parts": [user("q"), CALL, {**RESULT, "content": [{"type": "text", "text": "12"}]}, assistant("12.")],
    "result as an object": [user("q"), CALL, {**RESULT, "content": {"stock": 12, "é": [1.5, None, True]}}, assistant("12.")],
    "no tool calls": [user("q"), {"role": "assistant", "content": "a", "tool_calls": []}, user("r"), {"role": "assistant", "content": "b", "tool_calls": None}],
    "no content": [user("q"), {"role": "assistant"}],
    "system as parts": [{"role": "system", "content": [{"type": "text", "text": "S"}]}, user("a"), assistant("b")],
    "no_think in the system": [{"role": "system", "content": "Be brief. /no_think"}, user("a"), assistant("b")],
    "long": [message for i in range(20) for message in (user(f"question {i}"), assistant(f"answer {i}\nwith two lines"))],
}

VARIABLES = [
    {},
    {"enable_thinking": False},
    {"enable_thinking": True, "thinking": True, "preserve_thinking": True, "keep_past_thinking": True, "clear_thinking": False,
     "reasoning_effort": "low", "builtin_tools": ["python"], "model_identity": "You are M."},
    {"documents": [{"title": "Law", "text": "第一条", "content": "c", "doc_id": 3}], "date_string": "01 Jan 2025",
     "tools_in_user_message": False, "custom_tools": None, "add_default_system_prompt": False},
]

# Name -> template, or (template, conversation, variables). What a template raises, it has to raise on both sides.
OWN = {
    "text only": "plain {text} }} #} %}\n",
    "two newlines at the end": "a\n\n",
    "carriage returns": "a\r\n{% if true %}\r\nb\r\n{% endif %}\rc",
    "trim and lstrip": "  {% if true %}  \n  x\n\t {% endif %}\n y {% if true %}z{% endif %}\n{# c #}\n  {# c #} t\n",
    "signs": "a \n {%- if true -%} \n b \n {%- endif +%}\n c \n {%+ if true %}\n d{% endif %}\n {{- ' e ' -}} \n f {#- c -#} \n g {#+ c +#}\n h",
    "sign plus expression": " {{+ 1 }} \n  {{ 2 }}\n",
    "lstrip needs only white space": "  x {% if true %}y{% endif %}\n  {{ 1 }}{% if true %} {% endif %}\n",
    "unicode spaces": "a\u3000{{- 1 -}}\u3000\u00a0b\n\u3000{% if true %}c{% endif %}",
    "raw": "{% raw %}\n{{ not }} {% this %} {# out #}\n  {% endraw %}\n{%- raw -%}  x  {%- endraw -%}  y",
    "comments": "a{# {{ x }} {% y %} \n #}b{#- -#} c",
    "brackets in an expression": "{{ {'a': {'b': 1}}['a']['b'] }}{{ {'x': {}}}}",
    "literals": "{{ 1 }} {{ 1_000 }} {{ 1.50 }} {{ 2e3 }} {{ 1.5e-7 }} {{ 'a' 'b' \"c\" }} {{ true }} {{ False }} {{ none }} {{ [1, 'x', (1,), (), {}] }}",
    "escapes": r"{{ 'a\n\t\\\'\"\x41\u4e2d\U0001F642\101\q' }}{{ ['\n', '\x01', '\'', '\"\'', '中', '\u00a0'] }}",
    "numbers": "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ 6 / 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 1 + 2 * 3 - 4 }} {{ -2 ** 2 }} {{ 1.0 * 3 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ true + 1 }}",
    "strings": "{{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ 3 * 'x' }} {{ 'a' ~ 1 ~ none ~ true ~ [1] ~ undefined_name }} {{ 'n=%d %s %05.2f %x %r %%' % (3, 'q', 2.5, 255, 'z') }} {{ '%s' % 'one' }}",
    "comparisons": "{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ [1, 2] == [1, 2] }} {{ [1] < [2] }} {{ {'a': 1} == {'a': 1.0} }} {{ 1 == '1' }} {{ true == 1 }} {{ none == false }} {{ (1,) == [1] }} {{ 1 != 2 }} {{ 3 >= 3 }} {{ undefined_name == none }} {{ undefined_name == other_name }}",
    "membership": "{{ 'a' in 'cat' }} {{ 'x' not in 'cat' }} {{ 1 in [1, 2] }} {{ 'k' in {'k': 1} }} {{ 'k' in undefined_name }} {{ not 'k' in {'k': 1} }}",
    "logic": "{{ 0 or 'x' }} {{ 1 and 'y' }} {{ '' and 1 }}| {{ not 1 }} {{ not undefined_name }} {{ 1 if false else 2 if false else 3 }}{{ 1 if false }}",
    "precedence": "{{ 1 + 2|int }} {{ 'a' + 'b' ~ 1 }} {{ 2 * 3 ~ 4 }} {{ not 1 == 2 }} {{ -1|abs }} {{ 2 * '3'|string * 2 }} {{ ('a' ~ 'b')|upper }} {{ 'x' if 1 > 2 or 2 > 1 and not false else 'y' }} {{ 1 is number and 'a' is string }}",
    "slices": "{{ 'héllo🙂'[1:3] }} {{ 'héllo🙂'[::-1] }} {{ 'abc'[-1] }} {{ [1,2,3,4][1:] }} {{ [1,2,3,4][:-1] }} {{ [1,2,3,4][::2] }} {{ [1,2,3,4][-2:] }} {{ [1,2,3,4][3:0:-1] }} {{ 'abc'[5:] }} {{ 'abc'[-9:2] }} {{ (1,2,3)[1:] }} {{ [1,2][9] }}{{ 'a'[7] is defined }} {{ [1,2,3][::-1][:1] }}",
    "attributes": "{{ messages[0].role }} {{ messages[0]['content'] }} {{ messages[0].nothing }} {{ messages[0]['nothing'] is defined }} {{ messages[-1].role }} {{ messages.0.role }} {{ {'items': 1}['items'] }} {{ {'a': {'b': [1, {'c': 'deep'}]}}.a.b[1].c }}",
    "method before key": "{{ {'items': 1}.items is callable }} {{ 'abc'.upper is callable }}",
    "undefined attribute": "{{ nothing.attribute }}",
    "undefined item": "{{ nothing['x'] }}",
    "undefined call": "{{ nothing() }}",
    "undefined sum": "{{ nothing + 1 }}",
    "undefined in filters": "[{{ nothing|trim }}{{ nothing|upper }}{{ nothing|length }}{{ nothing|list }}{{ nothing|join(',') }}{{ nothing|default('d') }}{{ nothing|string }}{{ nothing|items|list }}{{ nothing|first is defined }}]",
    "undefined tojson": "{{ nothing|tojson }}",
    "if": "{% if messages|length > 5 %}many{% elif messages|length > 1 %}some{% elif true %}x{% else %}none{% endif %}{% if not messages %}empty{% endif %}",
    "for": "{% for m in messages %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.revindex }}/{{ loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }}/{{ loop.depth }} {{ m.role }} {{ loop.previtem.role if loop.previtem is defined }} {{ loop.nextitem.role if loop.nextitem is defined else '-' }} {{ loop.cycle('a', 'b') }} {{ loop.changed(m.role) }}\n{% else %}nothing{% endfor %}",
    "for else": "{% for m in [] %}x{% else %}empty{% endfor %}{% for m in messages if m.role == 'nobody' %}x{% else %}none{% endfor %}",
    "for if": "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m.content }}{{ loop.last }};{% endfor %}",
    "for unpacking": "{% for k, v in {'a': 1, 'b': [2]}.items() %}{{ k }}={{ v }} {% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for k in {'x': 1} %}{{ k }}{% endfor %}{% for c in 'añ🙂' %}[{{ c }}]{% endfor %}",
    "for over reversed": "{% for m in messages[::-1] %}{{ m.role[0] }}{{ loop.index0 }}{% endfor %}{% for m in messages|reverse %}{{ m.content }}{% endfor %}",
    "break and continue": "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}{% for i in range(3) %}{% for j in range(3) %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}",
    "set in a loop stays there": "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = i + 10 %}{{ x }}{% endfor %}{{ x }}",
    "set in an if goes out": "{% if true %}{% set y = 3 %}{% endif %}{{ y }}",
    "set several": "{% set a, b = 1, 'two' %}{{ a }}{{ b }}{% set t = 1, 2 %}{{ t }}",
    "namespace": "{% set ns = namespace(n=0, found=false, text='') %}{% for m in messages %}{% set ns.n = ns.n + m.content|length %}{% set ns.found = true %}{% set ns.text = ns.text ~ m.role[0] %}{% endfor %}{{ ns.n }} {{ ns.found }} {{ ns.text }} {{ ns.other is defined }}",
    "namespace from dict": "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a + ns.b }}",
    "set attribute of a list": "{% set x = [1] %}{% set x.y = 2 %}",
    "block set": "{% set x %}a{{ 1 }}\n b{% endset %}[{{ x }}]{% set y | upper | trim %} q {% endset %}[{{ y }}]",
    "filter block": "{% filter upper|replace('A', '4') %}abc{{ 'a' }}{% endfilter %}",
    "with": "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "macro": "{% macro f(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% if a > 1 %}{{ f(a - 1, b) }}{% endif %}{% endmacro %}{{ f(3) }}|{{ f(1, c='y') }}|{{ f(0, 1, 2)|trim }}",
    "macro sees the outside": "{% set g = 'G' %}{% macro f(a) %}{{ g }}{{ a }}{{ missing }}{{ messages|length }}{% endmacro %}{{ f() }}{{ f(1) }}",
    "macro with varargs": "{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, k=3) }}",
    "call block": "{% macro box(t) %}[{{ t }}:{{ caller('in') }}]{% endmacro %}{% call(x) box('T') %}body {{ x }}{% endcall %}",
    "raise": "{% if messages[0].role == 'user' %}{{ raise_exception('no ' + 'users') }}{% endif %}",
    "strftime": "{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%d %H:%M:%S %A %B %j %y %%') }}",
    "generation": "{% for m in messages %}{% if m.role == 'assistant' %}<a>{% generation %}{{ m.content }}</a>{% endgeneration %}\n{% else %}<u>{{ m.content }}</u>\n{% endif %}{% endfor %}",
    "generation trims": "x  {%- generation -%}  {{ 'y' }}  {%- endgeneration -%}  z{% generation %}\n q\n{% endgeneration %}\nr",
    "tojson": "{{ tools|tojson }}\n{{ tools|tojson(indent=2) }}\n{{ tools|tojson(ensure_ascii=true) }}\n{{ tools[0]|tojson(sort_keys=true, separators=(',', ':')) }}\n{{ [1.0, 1e20, 1e-7, 0.1, -0.0, true, none, '\x7f\x1f\u2028</script>', [], {}, ()]|tojson }}{{ {'b': [], 'a': {}}|tojson(indent=4) }}{{ {1: 2, none: 3, true: 4}|tojson }}",
    "tojson of a text": "{{ messages[0].content|tojson }}{{ 'é\"\\\\\n🙂'|tojson }}{{ 'é🙂'|tojson(ensure_ascii=true) }}",
    "repr": "{{ tools }} {{ [none, true, 1.5, 'it\\'s'] }} {{ ('a',) }} {{ {'k': ('v', 2)} }}",
    "case filters": "{{ 'hELLO wORLD-foo (bar)'|title }} {{ 'hELLO'|capitalize }} {{ 'aé'|upper }} {{ 'AÉ'|lower }} {{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }}",
    "text filters": "{{ ' x '|trim }}{{ 'xxaxx'|trim('x') }}{{ 'a-b-c'|replace('-', '+', 1) }}{{ 1|string + 'x' }}{{ 'a b  c'|wordcount }}{{ 'ab'|center(7) }}|{{ 'ab'|center(6) }}|{{ 'abc'|first }}{{ 'abc'|last }}{{ 'abc'|reverse }}{{ '%s-%s'|format(1, 'b') }}",
    "safe and escape": "{{ '<&>'|e }} {{ ('<'|safe) + '<' }} {{ '<' + ('<'|safe) }} {{ ('<'|safe) ~ '<' }} {{ '<b>'|safe|string }}{{ ('<a>'|e)|e }}",
    "indent": "{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(2, false, true) }}|{{ 'a\nb'|indent('> ') }}|{{ ''|indent }}|{{ 'a\n'|indent(1) }}",
    "number filters": "{{ '42'|int + 1 }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ 3.9|int }} {{ ' 5 '|int }} {{ '3.7'|int }} {{ '2.5'|float }} {{ 'q'|float(1.5) }} {{ -3|abs }} {{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 1.2|round(0, 'ceil') }} {{ 7|round }} {{ 'ff'|int(base=16) }} {{ 1.25|round(1) }} {{ true|int }}",
    "default": "{{ none|default('d') }} {{ ''|default('d') }}| {{ ''|default('d', true) }} {{ 0|d(5, boolean=true) }} {{ nothing|default }}|{{ nothing.x|default('y') if false }}",
    "lists": "{{ [3, 1, 2]|sort }} {{ ['b', 'A', 'c']|sort }} {{ ['b', 'A']|sort(case_sensitive=true) }} {{ [1, 2]|sort(reverse=true) }} {{ [1, 2, 1]|unique|list }} {{ ['a', 'A']|unique|list }} {{ [1, 5, 3]|max }}{{ [4, 2]|min }} {{ [1, 2, 3]|sum }} {{ [[1, 2], [3]]|map('length')|list }} {{ [1, 2, 3, 4, 5]|batch(2)|list }} {{ [1, 2, 3]|batch(2, 0)|list }} {{ [1, 2] + [3] }} {{ [0] * 3 }} {{ 'abc'|list }} {{ {'a': 1}|list }} {{ range(5)|list }} {{ range(1, 10, 3)|list }} {{ range(3, 0, -1)|list }} {{ [1]|first }} {{ []|first is defined }} {{ [1, 2]|last }}",
    "attribute filters": "{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join('|') }} {{ messages|rejectattr('role', 'in', ['user'])|map(attribute='role')|list }} {{ messages|map(attribute='nothing', default='-')|join }} {{ messages|selectattr('content')|list|length }} {{ [{'a': {'b': 2}}, {'a': {'b': 1}}]|sort(attribute='a.b')|map(attribute='a.b')|list }} {{ [1, none, 2]|select|list }} {{ [1, 2, 3]|reject('odd')|list }} {{ ['a', 'b']|map('upper')|join('-') }} {{ [1, 2, 3]|select('>', 1)|list }} {{ messages|map('string')|list|length }} {{ [[1, 'x']]|map(attribute=1)|list }} {{ messages|groupby('role')|map('first')|join(',') }} {{ messages|join(', ', attribute='role') }}",
    "generators": "{{ 'yes' if messages|selectattr('role', 'equalto', 'nobody') else 'no' }}{% set g = messages|map(attribute='role') %}{% for r in g %}{{ r }}{% endfor %}{% for r in g %}{{ r }}{% endfor %}{{ (messages|map(attribute='role'))[0] is defined }}",
    "generator has no length": "{{ messages|map(attribute='role')|length }}",
    "dicts": "{{ {'b': 1, 'a': 2}|dictsort }} {{ {'b': 1, 'a': 2}|dictsort(by='value') }} {{ {'b': 1, 'a': 2}|dictsort(reverse=true) }} {{ {'a': 1}|items|list }} {{ dict(a=1, b=2) }} {{ dict({'x': 1}, y=2) }} {{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 3) }} {{ {'a': 1}.keys()|list }} {{ {'a': 1}.values()|list }} {{ {'a': 1}|length }} {{ {1: 'one', 'a': none}[1] }}",
    "string methods": "{{ '  x '.strip() }}|{{ ' x '.lstrip() }}|{{ ' x '.rstrip() }}|{{ 'xxhxx'.strip('x') }}|{{ 'a,b,,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a,b,c'.split(',', 1) }}|{{ 'a,b,c'.rsplit(',', 1) }}|{{ ' a b  c '.rsplit(none, 1) }}|{{ ' a b c '.split(none, 1) }}|{{ 'abc'.startswith('ab') }}|{{ 'abc'.endswith(('x', 'bc')) }}|{{ 'aXbX'.replace('X', '-') }}|{{ 'aXbX'.replace('X', '-', 1) }}|{{ 'ab'.replace('', '.') }}|{{ '-'.join(['a', 'b']) }}|{{ 'a\nb\r\nc'.splitlines() }}|{{ 'abcb'.find('b') }}|{{ 'abcb'.count('b') }}|{{ '12'.isdigit() }}|{{ ' '.isspace() }}|{{ '{} {1} {x} {{}}'.format('a', 'b', x=1) if false else '{0} {x}'.format('a', x=1) }}|{{ '{}-{}'.format(1, none) }}",
    "list methods": "{{ [1, 2, 1].count(1) }} {{ ['a', 'b'].index('b') }}",
    "append": "{% set x = [] %}{% set _ = x.append(1) %}{{ x }}",
    "pop": "{% set x = {'a': 1} %}{{ x.pop('a') }}",
    "tests": "{{ 1 is number }}{{ 1.0 is number }}{{ true is number }}{{ 1 is integer }}{{ true is integer }}{{ 1.0 is float }}{{ true is boolean }}{{ 'a' is string }}{{ {} is mapping }}{{ [] is iterable }}{{ 'a' is iterable }}{{ 1 is iterable }}{{ [] is sequence }}{{ {} is sequence }}{{ 'a' is sequence }}{{ none is none }}{{ nothing is undefined }}{{ nothing is not defined }}{{ 1 is odd }}{{ 2 is even }}{{ 6 is divisibleby 3 }}{{ 1 is eq 1 }}{{ 1 is equalto(1) }}{{ 2 is gt 1 }}{{ 1 is lt 2 }}{{ 1 is in [1] }}{{ 'a' is not in ['b'] }}{{ 1 is sameas 1 }}{{ true is true }}{{ 1 is true }}{{ false is false }}{{ 'ab' is lower }}{{ 'AB' is upper }}{{ '1' is upper }}{{ nothing is iterable }}{{ nothing is sequence }}{{ nothing is mapping }}{{ range is callable }}{{ 'upper' is filter }}{{ 'odd' is test }}",
    "joiner": "{% set j = joiner(', ') %}{% for x in [1, 2, 3] %}{{ j() }}{{ x }}{% endfor %}",
    "variables": ("{{ enable_thinking }}{{ extra.deep[1] }}{{ bos_token }}{{ eos_token }}{{ documents is none }}{{ nothing_given is defined }}", "open", {"enable_thinking": False, "extra": {"deep": [1, "two"]}}),
    "newline in a tag": "{{ [1,\n 2,\n 3]\n|join('-') }}{% set x =\n 4 %}{{ x }}\n\n{% if x ==\n4\n%}\nyes\n{% endif %}",
    "unclosed if": "{% if true %}x",
    "unclosed expression": "{{ 1",
    "unknown tag": "{% frobnicate %}",
    "unknown filter": "{{ 1|frobnicate }}",
    "unknown test": "{{ 1 is frobnicating }}",
    "bad attribute call": "{{ 'a'.frobnicate() }}",
    "sum of unlike": "{{ 'a' + 1 }}",
    "less of unlike": "{{ 'a' < 1 }}",
    "division by zero": "{{ 1 // 0 }}",
    "in of a number": "{{ 1 in 2 }}",
    "number in a text": "{{ 1 in 'a1' }}",
    "for over a number": "{% for x in 5 %}{% endfor %}",
    "unpack too few": "{% for a, b in [[1]] %}{% endfor %}",
    "unhashable key": "{{ {[1]: 2} }}",
}


# The templates Lore brings along that a stock one renders like.
STOCK = {
    "llama3": "llama3.jinja",
    "llama3.1": "meta-llama-Llama-3.1-8B-Instruct.jinja",
    "qwen2.5": "Qwen-Qwen2.5-7B-Instruct.jinja",
    "qwen3": "Qwen-Qwen3-0.6B.jinja",
}


def named_renderings(folder):
    """(name, stock template, messages, tools, add_generation_prompt, variables, our name)"""
    for ours, stock in STOCK.items():
        for path in sorted(pathlib.Path(folder).rglob(stock)):
            template = path.read_text(encoding="utf-8")
            for name, messages in CONVERSATIONS.items():
                for tools in (None, TOOLS):
                    for prompt in (False, True):
                        for variables in VARIABLES[:2]:
                            label = f"{ours}, {name}, tools {tools is not None}, prompt {prompt}, {variables}"
                            yield label, template, messages, tools, prompt, variables, ours


def renderings(folder):
    """(name, template, messages, tools, add_generation_prompt, variables) for all that is compared."""
    if folder is None:
        for name, entry in OWN.items():
            template, conversation, variables = entry if isinstance(entry, tuple) else (entry, "turns", {})
            yield name, template, CONVERSATIONS[conversation], TOOLS, False, variables
        return
    for path in sorted(pathlib.Path(folder).rglob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        for name, messages in CONVERSATIONS.items():
            for tools in (None, TOOLS):
                for prompt in (False, True):
                    for variables in VARIABLES:
                        label = f"{path.name}, {name}, tools {tools is not None}, prompt {prompt}, {variables}"
                        yield label, template, messages, tools, prompt, variables


def by_transformers(template, messages, tools, prompt, variables):
    arguments = {**SPECIAL, **variables}
    marked = "generation" in template and "endgeneration" in template
    try:
        texts, spans = chat_template_utils.render_jinja_template(
            conversations=[messages],
            tools=tools,
            chat_template=template,
            add_generation_prompt=prompt,
            return_assistant_tokens_mask=marked,
            **arguments,
        )
    except Exception as error:  # noqa: BLE001: whatever the template provokes
        return None, [], f"{type(error).__name__}: {error}"
    text = texts[0]
    as_bytes = [[len(text[:begin].encode()), len(text[:end].encode())] for begin, end in (spans[0] if spans else [])]
    return text, as_bytes, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--templates")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--named", action="store_true")
    options = parser.parse_args()

    probe = subprocess.Popen([options.probe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    counts = {"identical": 0, "different": 0, "errors on both sides": 0, "error of Lore only": 0, "error of transformers only": 0}
    failing = {}
    for name, template, messages, tools, prompt, variables, *named in (
        named_renderings(options.templates) if options.named else renderings(options.templates)
    ):
        text, spans, error = by_transformers(template, messages, tools, prompt, variables)
        request = {"template": named[0] if named else template, "messages": messages, "tools": tools, "add_generation_prompt": prompt,
                   "special_tokens": SPECIAL, "variables": variables, "now": str(NOW)}
        probe.stdin.write(json.dumps(request) + "\n")
        probe.stdin.flush()
        answer = json.loads(probe.stdout.readline())
        if error and "error" in answer:
            kind = "errors on both sides"
        elif error:
            kind = "errors on both sides" if named else "error of transformers only"
        elif "error" in answer:
            kind = "error of Lore only"
        else:
            kind = "identical" if answer["text"] == text and (named or answer["spans"] == spans) else "different"
        counts[kind] += 1
        if options.verbose and kind == "errors on both sides":
            print(f"both: {name}: {error} | {answer.get('error', 'accepted')}")
        if kind not in ("identical", "errors on both sides"):
            first = failing.setdefault((name.split(",")[0], kind), 0)
            failing[(name.split(",")[0], kind)] += 1
            if first == 0:
                print(f"{kind}: {name}\n  transformers: {error or (text, spans)!r}\n  lore:         {answer!r}")
    probe.stdin.close()
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
