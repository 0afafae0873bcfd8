#include "lore/eval/token_ids.h"

#include <fmt/format.h>

#include "lore/core/error.h"

namespace lore {

void check_token_ids(std::span<const std::int32_t> ids, const LlamaConfig& config) {
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= config.vocab_size) {
      throw Error(ErrorKind::kInput, fmt::format("token id {}", id),
                  fmt::format("is outside the model's vocabulary of {}: the tokenizer is not this model's",
                              config.vocab_size));
    }
  }
}

}  // namespace lore
