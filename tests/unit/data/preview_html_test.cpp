#include "lore/data/preview_html.h"

#include "lore/data/visible_text.h"
#include "support/catch.h"

namespace {

const std::string kHostile = "</script><img src=x onerror=alert(1)>\"'&\x1B";
const std::string kHarmless = "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&#34;&#39;&amp;␛";

lore::PreviewPage page_of(std::vector<lore::TokenText> tokens) {
  lore::PreviewPage page;
  page.title = "recipe.yaml";
  page.report.all.counts.examples = 5;
  page.report.sources.push_back({});
  page.examples.push_back({"a.jsonl:1", std::move(tokens)});
  return page;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("whatever stands in data and names is text of the page") {
  lore::PreviewPage page = page_of({{1, true, false, kHostile}, {2, false, true, kHostile}});
  page.title = kHostile;
  page.facts = {{kHostile, kHostile}};
  page.report.sources[0].counts.path = kHostile;
  page.report.sources[0].lengths.bins = {1};
  page.report.bins = {{1, 9}};
  page.examples[0].source = kHostile;
  const std::string html = lore::preview_html(page);
  CHECK(lore::html_text(kHostile) == kHarmless);
  CHECK_FALSE(has(html, "<img"));
  CHECK_FALSE(has(html, "\x1B"));
  CHECK(html.find("</script>") == html.rfind("</script>"));
  std::size_t count = 0;
  for (std::size_t at = html.find(kHarmless); at != std::string::npos; at = html.find(kHarmless, at + 1)) {
    ++count;
  }
  CHECK(count == 9);  // title and heading, a fact's name and value, table, plot, example, two tokens
}

TEST_CASE("tokens carry position and ids, trained ones are marked, special ones are badges") {
  const std::string html = lore::preview_html(page_of({{1, false, true, "<s>"},
                                                       {8, false, false, "问", 1, 2},
                                                       {9, false, false, "问", 2, 2},
                                                       {5, true, false, "a\n"},
                                                       {2, true, true, "</s>"}}));
  CHECK(has(html,
            "<div class=\"text\"><b class=\"special\" title=\"0: 1\">&lt;s&gt;</b><i title=\"1: 8 9\">问</i>"
            "<mark><i title=\"3: 5\">a<s></s>\n</i><b class=\"special\" title=\"4: "
            "2\">&lt;/s&gt;</b></mark></div>"));
  CHECK(has(html, "5 tokens, 2 trained (40.0%)"));
  CHECK(has(html, "4 more examples are not in this file"));
}

TEST_CASE("the page asks for nothing from elsewhere") {
  const std::string html = lore::preview_html(page_of({}));
  CHECK(has(html, "default-src 'none'"));
  for (const char* part : {"http://", "https://", "src=", "href=", "@import", "url("}) {
    CHECK_FALSE(has(html, part));
  }
}
