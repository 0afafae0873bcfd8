#pragma once

#include <string>

#include "lore/data/preview.h"
#include "unit/data/toy_tokenizer.h"

/// The text of `example` in the toy tokenizer's tokens, with its trained parts between ⟦ and ⟧.
inline std::string marked_text(const lore::Example& example) {
  std::string text;
  bool open = false;
  for (const lore::TokenText& token :
       lore::token_texts({example.ids, example.trained, example.source}, ToyTokenizer())) {
    if (token.trained != open) {
      text += open ? "⟧" : "⟦";
      open = token.trained;
    }
    text += token.part == token.parts ? token.text : "";
  }
  return open ? text + "⟧" : text;
}
