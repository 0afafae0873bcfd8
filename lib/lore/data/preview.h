#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lore/data/example.h"

namespace lore {

class Tokenizer;

/// What the model will see, as one object:
/// {"source": "file:line", "input_ids": [..], "labels": [..], "text": ".."}.
/// `labels[t]` is `input_ids[t]` where it is trained, else -100 (not shifted).
nlohmann::ordered_json preview_json(const Example& example, const Tokenizer& tokenizer);

/// The same for reading: the decoded text with the trained spans between `⟦` and `⟧`, or in colour
/// for a terminal.
std::string preview_text(const Example& example, const Tokenizer& tokenizer, bool colour);

}  // namespace lore
