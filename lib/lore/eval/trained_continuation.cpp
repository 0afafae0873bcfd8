#include "lore/eval/trained_continuation.h"

#include <algorithm>

namespace lore {

Continuation last_trained_run(const Example& example) {
  const auto last = std::find(example.trained.rbegin(), example.trained.rend(), 1);
  const auto before = std::find(last, example.trained.rend(), 0);
  const std::ptrdiff_t first = std::max<std::ptrdiff_t>(1, example.trained.rend() - before);
  const std::ptrdiff_t end = example.trained.rend() - last;
  return {{example.ids.begin(), example.ids.begin() + first},
          {example.ids.begin() + first, example.ids.begin() + end}};
}

Continuation answer_continuation(const ExampleBuilder& builder, nlohmann::ordered_json row,
                                 const std::string& answer, const std::string& place) {
  if (row["prompt"].is_string()) {
    row["completion"] = answer;
  } else {
    row["completion"] = nlohmann::ordered_json::array({{{"role", "assistant"}, {"content", answer}}});
  }
  return last_trained_run(builder.build(row, place));
}

}  // namespace lore
