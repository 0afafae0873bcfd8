#pragma once

#include <string_view>

namespace lore {

/// What the page that `preview_html` makes adds to the style of all pages.
inline constexpr std::string_view kPreviewStyle = R"css(
.legend b.special { margin-right: 1rem; }
i { font-style: normal; border-radius: 2px; }
b.special { font-weight: 500; font-size: .85em; padding: .1em .4em; margin: 0 .1em; border: 1px solid var(--line);
            border-radius: 4px; background: var(--special); color: var(--quiet); }
mark b.special { border-color: var(--trained-line); color: inherit; background: none; }
i:hover, b.special:hover { outline: 1px solid var(--accent); }
s { text-decoration: none; opacity: .55; }
s::before { content: "↵"; }
.only-trained .text > :not(mark) { display: none; }
.only-trained .text > mark { display: block; margin: .25rem 0; }
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
