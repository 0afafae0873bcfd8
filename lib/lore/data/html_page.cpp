#include "lore/data/html_page.h"

#include <fmt/format.h>

#include "lore/data/visible_text.h"

namespace lore {
namespace {

/// Light and dark by the reader's own setting, fonts of the system.
constexpr std::string_view kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --card: #ffffff; --ink: #1d2327; --quiet: #626b73; --line: #e2e4e6;
  --trained: #d9f2e1; --trained-line: #3f9d63; --special: #eef0f2; --bar: #7aa7c7; --accent: #2f6f9f;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
          "Noto Sans CJK SC", "Source Han Sans SC", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "PingFang SC",
          "Microsoft YaHei", "Noto Sans Mono CJK SC", "Noto Sans CJK SC", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #16191c; --card: #1d2125; --ink: #dfe3e6; --quiet: #98a2ab; --line: #32383e;
    --trained: #1d3f2b; --trained-line: #5fbf85; --special: #2b3137; --bar: #4f7d9e; --accent: #82b8dc;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--page); color: var(--ink);
       font: 15px/1.55 var(--sans); }
h1 { margin: 0; font-size: 1.45rem; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 2.25rem 0 .75rem; font-size: 1.05rem; font-weight: 650; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .75rem 0 0; }
dt, small, figcaption, .note { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1.5rem 0 0; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures b { font-size: 1.5rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.figures span { color: var(--quiet); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .35rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 500; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; overflow-wrap: anywhere;
                                 min-width: 9rem; }
tr.all td { font-weight: 600; }
.plots { display: flex; flex-wrap: wrap; gap: 1.25rem 2rem; margin-top: 1.25rem; }
figure { margin: 0; }
figcaption { font-size: .85rem; max-width: 22rem; overflow-wrap: anywhere; }
svg { display: block; width: 22rem; max-width: 100%; height: auto; }
svg rect { fill: var(--bar); }
svg rect:hover { fill: var(--accent); }
svg line { stroke: var(--line); }
svg text { fill: var(--quiet); font: 11px var(--sans); }
.controls { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem;
            padding: .6rem 0; background: var(--page); border-bottom: 1px solid var(--line); }
[hidden] { display: none !important; }
.controls input[type=search] { flex: 1 1 14rem; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: 6px;
                               background: var(--card); color: inherit; font: inherit; }
article { margin: 1rem 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
h3 { margin: 0 0 .5rem; font-size: .9rem; font-weight: 600; overflow-wrap: anywhere; }
h3 small { margin-left: .5rem; font-weight: 400; }
.legend { margin: .75rem 0; font-size: .85rem; color: var(--quiet); }
.text { font: 13.5px/1.75 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; }
mark { background: var(--trained); color: inherit; box-shadow: inset 0 -2px var(--trained-line); padding: .15em 0;
       -webkit-box-decoration-break: clone; box-decoration-break: clone; }
.legend > * { margin-right: 1rem; }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --trained: #d9f2e1; --special: #eee; }
  body { max-width: none; padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .controls { display: none; }
  article, figure, tr { break-inside: avoid; }
}
)css";

}  // namespace

std::string html_page(std::string_view title, std::string_view style, std::string_view body,
                      std::string_view script) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n{}<script>{}</script>\n</body>\n</html>\n",
      html_text(title), kStyle, style, body, script);
}

}  // namespace lore
