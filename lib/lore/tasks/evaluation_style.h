#pragma once

#include <string_view>

namespace lore {

/// What the page that `evaluation_html` makes adds to the style of all pages.
inline constexpr std::string_view kEvaluationStyle = R"css(
:root { --base: #8a939b; --good: #2e7d4f; --good-back: #e3f4e9; --bad: #b3382c; --bad-back: #fbe6e3; }
@media (prefers-color-scheme: dark) {
  :root { --base: #7f8992; --good: #7fd3a0; --good-back: #173524; --bad: #f09a8f; --bad-back: #43201c; }
}
.what { margin: 0 0 .5rem; color: var(--quiet); }
.verdict { padding: 1rem 1.25rem; border-left: 6px solid var(--base); border-radius: 8px; background: var(--card); }
.verdict h1 { font-size: 2rem; }
.verdict p, .verdict ul { margin: .35rem 0 0; }
.verdict.passed { border-color: var(--good); background: var(--good-back); }
.verdict.failed { border-color: var(--bad); background: var(--bad-back); }
.verdict.passed h1, b.passed, b.gained { color: var(--good); }
.verdict.failed h1, b.failed, b.lost { color: var(--bad); }
section { margin-top: 2.5rem; }
section > h3 { margin: 1.75rem 0 .5rem; font-size: 1rem; }
#gates td { text-align: left; white-space: normal; }
#gates th { text-align: left; }
code { font: .9em var(--mono); overflow-wrap: anywhere; }
th[aria-sort], th button { white-space: nowrap; }
th button { padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer; }
th button::after { content: " ↕"; opacity: .35; }
th[aria-sort=ascending] button::after { content: " ↑"; opacity: 1; }
th[aria-sort=descending] button::after { content: " ↓"; opacity: 1; }
svg { width: 45rem; }
svg text.name { fill: var(--ink); }
svg text.number { fill: var(--ink); font-variant-numeric: tabular-nums; }
svg text.tick { font-size: 9px; }
svg .base { stroke: var(--base); stroke-width: 1.5; }
svg .adapter { stroke: var(--accent); stroke-width: 1.5; }
svg circle.base { fill: var(--page); }
svg circle.adapter { fill: var(--accent); }
svg rect.base { fill: var(--base); stroke: none; }
svg rect.adapter { fill: var(--accent); stroke: none; }
.legend .base::before, .legend .adapter::before { content: "○ "; color: var(--base); }
.legend .adapter::before { content: "● "; color: var(--accent); }
.choice select { margin: 0 0 .5rem; padding: .3rem .5rem; border: 1px solid var(--line); border-radius: 6px;
                 background: var(--card); color: inherit; font: inherit; }
.cases .wide { max-height: 24rem; overflow: auto; }
.cases thead th { position: sticky; top: 0; background: var(--page); }
a { color: var(--accent); }
article { scroll-margin-top: 4rem; content-visibility: auto; contain-intrinsic-size: auto 12rem; }
article:target { outline: 2px solid var(--accent); }
article dl { margin: 0; grid-template-columns: minmax(5rem, max-content) 1fr; font-size: .9rem; }
article ul { margin: 0; padding-left: 1.1rem; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-top: .6rem; }
.sides > div { min-width: 0; padding-left: .75rem; border-left: 3px solid var(--base); }
.sides > div:last-child { border-color: var(--accent); }
h4 { margin: 0 0 .25rem; font-size: .8rem; font-weight: 600; color: var(--quiet); }
@media (max-width: 40rem) { .sides { grid-template-columns: 1fr; } }
.values { display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; margin: .6rem 0 0; font-size: .85rem; color: var(--quiet); }
.values b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
mark.forbidden { background: var(--bad-back); box-shadow: inset 0 -2px var(--bad); }
.for { background: color-mix(in srgb, var(--good) calc(var(--weight) * .5), transparent); }
.against { background: color-mix(in srgb, var(--bad) calc(var(--weight) * .5), transparent); }
@media print {
  :root { --good: #2e7d4f; --good-back: #e3f4e9; --bad: #b3382c; --bad-back: #fbe6e3; --base: #8a939b; --accent: #2f6f9f; }
  th button::after, .choice select { display: none; }
  .cases .wide { max-height: none; overflow: visible; }
  th, td { white-space: normal; }
  article { content-visibility: visible; }
}
)css";

/// Its script: columns sort by a click, blocks of rows and cases filter by a text, one of the plots of a
/// grouping is chosen.
inline constexpr std::string_view kEvaluationScript = R"js(
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
function sort(table, column, heading) {
  const descending = heading.getAttribute('aria-sort') !== 'descending';
  const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const isNumber = key => key !== '' && !isNaN(key);
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (isNumber(x) !== isNumber(y)) return isNumber(x) ? -1 : 1;  // what is missing comes last, either way
    const order = isNumber(x) ? x - y : x.localeCompare(y);
    return descending ? -order : order;
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
  heading.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
}
for (const table of document.querySelectorAll('table')) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = element('button', {type: 'button'}, ...heading.childNodes);
    button.addEventListener('click', () => sort(table, column, heading));
    heading.append(button);
  });
}
for (const block of document.querySelectorAll('[data-filter]')) {
  const rows = [...block.querySelectorAll('tbody tr')];
  const cases = [...block.querySelectorAll('article')];
  const search = element('input', {type: 'search', placeholder: 'Filter by text', ariaLabel: 'Filter'});
  const different = element('input', {type: 'checkbox'});
  const output = element('output');
  const controls = element('div', {className: 'controls'}, search);
  if (block.querySelector('.sides')) controls.append(element('label', {}, different, ' different answers only'));
  controls.append(output);
  const shows = item => item.textContent.toLowerCase().includes(search.value.toLowerCase());
  const update = () => {
    if (cases.length === 0) rows.forEach(row => { row.hidden = !shows(row); });
    for (const one of cases) one.hidden = !shows(one) || (different.checked && !one.querySelector('.sides'));
    for (const row of cases.length ? rows : []) {
      row.hidden = document.getElementById(row.querySelector('a').hash.slice(1)).hidden;
    }
    const items = cases.length ? cases : rows;
    output.textContent = items.filter(item => !item.hidden).length + ' of ' + items.length;
  };
  search.addEventListener('input', update);
  different.addEventListener('change', update);
  block.prepend(controls);
  update();
}
for (const choice of document.querySelectorAll('.choice')) {
  const figures = [...choice.querySelectorAll('figure')];
  if (figures.length < 2) continue;
  const select = element('select', {ariaLabel: 'Metric'}, ...figures.map(one => element('option', {}, one.dataset.name)));
  const update = () => figures.forEach((one, i) => { one.hidden = i !== select.selectedIndex; });
  select.addEventListener('change', update);
  choice.prepend(select);
  update();
}
)js";

}  // namespace lore
