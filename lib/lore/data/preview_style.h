#pragma once

#include <string_view>

namespace lore {

/// The style of the page that `preview_html` makes: light and dark by the reader's own setting, fonts of the
/// system.
inline constexpr std::string_view kPreviewStyle = R"css(
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
.controls[hidden], article[hidden] { display: none; }
.controls input[type=search] { flex: 1 1 14rem; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: 6px;
                               background: var(--card); color: inherit; font: inherit; }
.legend { margin: .75rem 0; font-size: .85rem; color: var(--quiet); }
.legend > *, .legend b.special { margin-right: 1rem; }
article { margin: 1rem 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
h3 { margin: 0 0 .5rem; font-size: .9rem; font-weight: 600; overflow-wrap: anywhere; }
h3 small { margin-left: .5rem; font-weight: 400; }
.text { font: 13.5px/1.75 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; }
i { font-style: normal; border-radius: 2px; }
mark { background: var(--trained); color: inherit; box-shadow: inset 0 -2px var(--trained-line); padding: .15em 0;
       -webkit-box-decoration-break: clone; box-decoration-break: clone; }
b.special { font-weight: 500; font-size: .85em; padding: .1em .4em; margin: 0 .1em; border: 1px solid var(--line);
            border-radius: 4px; background: var(--special); color: var(--quiet); }
mark b.special { border-color: var(--trained-line); color: inherit; background: none; }
i:hover, b.special:hover { outline: 1px solid var(--accent); }
s { text-decoration: none; opacity: .55; }
s::before { content: "↵"; }
.only-trained .text > :not(mark) { display: none; }
.only-trained .text > mark { display: block; margin: .25rem 0; }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --trained: #d9f2e1; --special: #eee; }
  body { max-width: none; padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .controls { display: none; }
  article, figure, tr { break-inside: avoid; }
}
)css";

/// Its script: a filter over the examples, and a switch that leaves the trained tokens alone.
inline constexpr std::string_view kPreviewScript = R"js(
const controls = document.querySelector('.controls');
const filter = controls.querySelector('[type=search]');
const trainedOnly = controls.querySelector('[type=checkbox]');
const examples = [...document.querySelectorAll('article')];
function update() {
  const wanted = filter.value.toLowerCase();
  let shown = 0;
  for (const example of examples) {
    example.hidden = !example.textContent.toLowerCase().includes(wanted);
    shown += example.hidden ? 0 : 1;
  }
  controls.querySelector('output').textContent = shown + ' of ' + examples.length;
}
filter.addEventListener('input', update);
trainedOnly.addEventListener('change', () => document.body.classList.toggle('only-trained', trainedOnly.checked));
controls.hidden = false;
update();
)js";

}  // namespace lore
