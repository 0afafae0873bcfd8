"""report.html of `lore evaluate` in a real browser: it opens, sorts, filters and prints, and shows data as text."""

import json
import subprocess

import pytest
from browser import Browser
from lore_program import BIN, run

HOSTILE = "</script><img src=x onerror=console.error('run')>\u202e"
TERMS = [("风控阈值", "risk-control", 0.9), ("供应链弹性", "supply-chain", 0.2), ("敞口", "risk-control", 0.5),
         ("穿透式监管", "compliance", -0.3), (HOSTILE, HOSTILE, 0.1)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


def cases(adapted):
    """One case a term: the adapter says the right term and gains, the base a forbidden one."""
    for number, (term, domain, gain) in enumerate(TERMS):
        answer = f"We call it {term}, not alarm line." if adapted else "We call it the alarm line."
        if term == "敞口":
            answer = "The same answer."
        yield {"id": term, "groups": {"domain": domain, "parity": str(number % 2)},
               "values": {"margin": 0.5 + (gain if adapted else 0), "right": float(adapted)},
               "detail": {"question": f"What is {HOSTILE}?", "answer": answer, "options": ["one", {"two": 2.5}],
                          "why": [{"text": "alarm ", "weight": 1}, {"text": "line", "weight": -0.25}],
                          "highlights": [{"text": term, "kind": "right"},
                                         {"text": "alarm line", "kind": "forbidden"}]}}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    request = {"base": "base-model", "adapter": HOSTILE,
               "gates": [{"gate": "delta.terms.margin.low > 0", "value": -0.04, "passed": False},
                         {"gate": "terms.margin >= 0.5", "value": 0.78, "passed": True},
                         {"gate": "nothing > 1", "passed": False, "why": "nothing was not measured"}],
               "suites": [{"name": "terms", "base": list(cases(False)), "adapted": list(cases(True))}]}
    path = tmp_path_factory.mktemp("report") / "report.html"
    made = subprocess.run([BIN / "report_probe"], input=json.dumps(request), capture_output=True, text=True, check=True)
    path.write_text(made.stdout, encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page):
    browser.open(page)
    yield browser
    assert browser.complaints() == []


def test_the_verdict_comes_first_in_words(opened):
    assert opened.texts("body > .verdict h1") == ["Failed"]
    assert "2 of 3 conditions do not hold" in opened.texts(".verdict")[0]
    assert "the lower 95% bound of the change of terms.margin from base to adapter must be more than 0, but it is " \
           "-0.04" in opened.texts(".verdict li")[0]
    assert [row.split("\t")[0] for row in opened.texts("#gates tbody tr")] == ["failed", "passed", "failed"]


def test_data_shows_as_text_and_nothing_is_loaded(opened):
    assert opened.run("document.querySelectorAll('img, iframe, link').length") == 0
    assert HOSTILE.replace("\u202e", "\\u202e") in opened.texts(".what")[0]
    questions = [text for text in opened.texts("article dd .text") if text.startswith("What is")]
    assert len(questions) == len(TERMS) and all("img src=x" in text for text in questions)


def test_a_click_sorts_a_column_by_its_change_and_another_turns_it_round(opened):
    column = "#suite-terms .cases th:nth-child(4) button"
    assert opened.texts(column) == ["margin"]
    first = "#suite-terms .cases tbody tr td:first-child"
    opened.click(column)
    assert opened.texts(first)[:2] == ["风控阈值", "敞口"]
    opened.click(column)
    assert opened.texts(first)[0] == "穿透式监管"
    assert opened.run("document.querySelectorAll('.cases [aria-sort]').length") == 1


def test_a_filter_leaves_rows_and_cases_that_hold_a_text(opened):
    opened.type(".cases input[type=search]", "supply-CHAIN")
    assert [text.split("\n")[0] for text in opened.texts("article h3")] == ["供应链弹性domain: supply-chainparity: 1"]
    assert opened.texts(".cases tbody td:first-child") == ["供应链弹性"]
    assert opened.texts(".cases output") == ["1 of 5"]


def test_cases_stand_side_by_side_where_they_differ_with_their_terms_marked(opened):
    assert opened.texts("#terms-1 .sides mark.right") == ["风控阈值"]
    assert opened.texts("#terms-1 .sides mark.forbidden") == ["alarm line", "alarm line"]
    assert opened.texts("#terms-1 .sides h4") == ["base", "adapter"]
    assert opened.texts("#terms-1 .against") == ["line"]
    assert opened.texts("#terms-3 .sides") == []
    opened.click(".cases input[type=checkbox]")
    assert opened.texts(".cases output") == ["4 of 5"]


def test_plots_show_intervals_and_one_metric_of_the_groups_at_a_time(opened):
    assert opened.run("document.querySelectorAll('#suite-terms figure:first-of-type circle').length") == 4
    assert opened.run("document.querySelectorAll('#suite-terms line.adapter').length") == 2
    figures = "#suite-terms .choice figcaption"
    assert opened.texts(figures) == ["margin by domain", "margin by parity"]
    opened.run("(() => { const s = document.querySelector('.choice select'); s.selectedIndex = 1; "
               "s.dispatchEvent(new Event('change')); })()")
    assert opened.texts(figures) == ["right by domain", "margin by parity"]


def test_the_page_follows_the_readers_light_or_dark(opened):
    back = {}
    for dark in (False, True):
        opened.dark(dark)
        back[dark] = opened.run("getComputedStyle(document.body).backgroundColor")
    opened.dark(False)
    assert back[False] == "rgb(251, 251, 250)" and back[True] == "rgb(22, 25, 28)"


def test_it_prints(opened):
    pdf = opened.pdf()
    assert pdf.startswith(b"%PDF") and len(pdf) > 10_000


def test_it_can_be_read_without_a_script(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert len(browser.texts("article")) == len(TERMS) and browser.texts("input, select, button") == []
    assert browser.complaints() == []


def test_lore_evaluate_writes_the_page(browser, model, tmp_path):
    text = tmp_path / "handbook.txt"
    text.write_text("A risk-control threshold is the value past which a case is reviewed. 风控阈值\n" * 20, encoding="utf-8")
    run("lore", "evaluate", "--base", model, "--data", text, "--gate", "loss > 0", "--report", tmp_path / "report")
    browser.open(tmp_path / "report" / "report.html")
    assert browser.texts(".verdict h1") == ["Passed"]
    assert "handbook.txt" in browser.texts("#text tbody tr")[0]
    assert browser.complaints() == []
