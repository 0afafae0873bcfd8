#pragma once

#include "lore/text/pipeline_tokenizer.h"

namespace lore {

/// Which pieces between added tokens get the space in front that stands for the start of a word.
enum class SpacePrefix {
  kEveryPiece,  ///< all of them, whatever they begin with: `legacy` in transformers, and llama.cpp
  kFirstPiece,  ///< the one at the start of the text, unless it begins with a space: legacy=false
};

/// The steps of a Llama 2 style tokenizer around its model: spaces written as U+2581, no splitting, bytes for
/// unknown characters. `prefix` turns the space in front on. The model is left to the caller.
Pipeline llama_pipeline(SpacePrefix scheme, bool prefix);

}  // namespace lore
