#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lore/kernels/int8_rows.h"

namespace lore {

/// How rows of a weight are stored: the blocks of 32 numbers of GGUF's types of these names. Each begins with
/// a scale d in half precision; number i is d * code, in Q4_0 d * (code - 8), in Q4_1 d * code + m with m, in
/// half precision too, after d. Codes of 4 bits lie in 16 bytes, number i in the low half of byte i and
/// number i + 16 in its high half. Source: ggml-common.h.
enum class BlockForm { kQ8_0, kQ4_0, kQ4_1 };

constexpr std::int64_t bytes_of_block(BlockForm form) {
  switch (form) {
    case BlockForm::kQ8_0:
      return 34;
    case BlockForm::kQ4_0:
      return 18;
    case BlockForm::kQ4_1:
      return 20;
  }
  return 0;
}

/// The ways in which the products are there.
enum class InstructionSet { kPortable, kAvx2, kAvx512Vnni };

/// Whether this processor has it.
bool has_instructions(InstructionSet set);
/// The best that this processor has.
InstructionSet best_instructions();

/// The most rows of w and of x that a BlockDots takes at once.
constexpr std::int64_t kBlockRows = 4;

/// sums[i * kBlockRows + n] = the dot product of row i of `w` and x[n]. Rows of w are `blocks` blocks each,
/// one after another; there are up to kBlockRows of either. Products within a block are whole numbers and
/// exact; what a pair of rows gets does not depend on the other rows.
using BlockDots = void (*)(const std::byte* w, std::int64_t w_rows, std::int64_t blocks, const Int8Row* x,
                           std::int64_t x_rows, float* sums);

/// REQUIRES a processor that has `set`.
BlockDots block_dots(BlockForm form, InstructionSet set);

}  // namespace lore
