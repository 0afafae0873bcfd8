#include "lore/data/preview.h"

#include "support/catch.h"
#include "unit/data/toy_tokenizer.h"

namespace {

const lore::Example kExample = {{2, 165, 3, 166, 3}, {0, 1, 1, 0, 1}, "f:2"};

}  // namespace

TEST_CASE("the preview shows ids, labels that are not shifted, and text") {
  CHECK(
      lore::preview_json(view(kExample), ToyTokenizer()).dump() ==
      R"({"source":"f:2","input_ids":[2,165,3,166,3],"labels":[-100,165,3,-100,3],"text":"<|im_start|>A<|im_end|>B<|im_end|>"})");
}

TEST_CASE("trained parts stand out in the text") {
  CHECK(lore::preview_text(kExample, ToyTokenizer(), false) == "<|im_start|>⟦A<|im_end|>⟧B⟦<|im_end|>⟧");
  CHECK(lore::preview_text(kExample, ToyTokenizer(), true) ==
        "<|im_start|>\x1B[32mA<|im_end|>\x1B[0mB\x1B[32m<|im_end|>\x1B[0m");
}
