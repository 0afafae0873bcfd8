#include "lore/data/preview.h"

#include <algorithm>
#include <span>

#include "lore/data/batch.h"
#include "lore/text/tokenizer.h"

namespace lore {

nlohmann::ordered_json preview_json(const Example& example, const Tokenizer& tokenizer) {
  std::vector<std::int32_t> labels(example.ids.size(), kNoLabel);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = example.trained[i] != 0 ? example.ids[i] : kNoLabel;
  }
  return {{"source", example.source},
          {"input_ids", example.ids},
          {"labels", labels},
          {"text", tokenizer.decode(example.ids, false)}};
}

std::string preview_text(const Example& example, const Tokenizer& tokenizer, bool colour) {
  const std::string open = colour ? "\x1B[32m" : "⟦";
  const std::string close = colour ? "\x1B[0m" : "⟧";
  std::string text;
  // Decoded from the beginning each time: what a token reads as may depend on those before it.
  std::size_t shown = 0;
  for (std::size_t begin = 0; begin < example.ids.size();) {
    std::size_t end = begin + 1;
    while (end < example.ids.size() && example.trained[end] == example.trained[begin]) {
      ++end;
    }
    const std::string decoded = tokenizer.decode(std::span(example.ids).first(end), false);
    const std::string part = decoded.substr(std::min(shown, decoded.size()));
    shown = decoded.size();
    text += example.trained[begin] != 0 ? open + part + close : part;
    begin = end;
  }
  return text;
}

}  // namespace lore
