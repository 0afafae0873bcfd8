#include "lore/kernels/block_dots.h"

#include <c10/util/Half.h>

#include <cstring>

#include "lore/kernels/block_dots_x86.h"

namespace lore {
namespace {

float half_at(const std::byte* at) {
  std::uint16_t half;
  std::memcpy(&half, at, sizeof half);
  return c10::detail::fp16_ieee_to_fp32_value(half);
}

/// The sum of code * x over a block.
template <BlockForm form>
std::int32_t whole_dot(const std::byte* block, const std::int8_t* x) {
  std::int32_t sum = 0;
  if constexpr (form == BlockForm::kQ8_0) {
    for (std::int64_t i = 0; i < kBlock; ++i) {
      sum += static_cast<std::int8_t>(block[2 + i]) * x[i];
    }
  } else {
    constexpr std::int64_t kFront = bytes_of_block(form) - kBlock / 2;
    constexpr int kOffset = form == BlockForm::kQ4_0 ? 8 : 0;
    for (std::int64_t i = 0; i < kBlock / 2; ++i) {
      const int byte = std::to_integer<int>(block[kFront + i]);
      sum += ((byte & 15) - kOffset) * x[i] + ((byte >> 4) - kOffset) * x[i + kBlock / 2];
    }
  }
  return sum;
}

template <BlockForm form>
float portable_dot(const std::byte* w, std::int64_t blocks, const Int8Row& x) {
  float sum = 0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::byte* block = w + b * bytes_of_block(form);
    const std::int64_t lane = b * (kBlock / kLane);
    sum += half_at(block) * x.lane_scales[lane] *
           static_cast<float>(whole_dot<form>(block, x.codes + b * kBlock));
    if constexpr (form == BlockForm::kQ4_1) {
      float numbers = 0;
      for (std::int64_t i = 0; i < kBlock / kLane; ++i) {
        numbers += x.lane_sums[lane + i];
      }
      sum += half_at(block + 2) * numbers;
    }
  }
  return sum;
}

template <BlockForm form>
void portable(const std::byte* w, std::int64_t w_rows, std::int64_t blocks, const Int8Row* x,
              std::int64_t x_rows, float* sums) {
  for (std::int64_t i = 0; i < w_rows; ++i) {
    for (std::int64_t n = 0; n < x_rows; ++n) {
      sums[i * kBlockRows + n] = portable_dot<form>(w + i * blocks * bytes_of_block(form), blocks, x[n]);
    }
  }
}

BlockDots portable_dots(BlockForm form) {
  switch (form) {
    case BlockForm::kQ8_0:
      return portable<BlockForm::kQ8_0>;
    case BlockForm::kQ4_0:
      return portable<BlockForm::kQ4_0>;
    case BlockForm::kQ4_1:
      return portable<BlockForm::kQ4_1>;
  }
  return nullptr;
}

}  // namespace

bool has_instructions(InstructionSet set) {
  return set == InstructionSet::kPortable || x86_block_dots(BlockForm::kQ8_0, set) != nullptr;
}

InstructionSet best_instructions() {
  for (const InstructionSet set : {InstructionSet::kAvx512Vnni, InstructionSet::kAvx2}) {
    if (has_instructions(set)) {
      return set;
    }
  }
  return InstructionSet::kPortable;
}

BlockDots block_dots(BlockForm form, InstructionSet set) {
  return set == InstructionSet::kPortable ? portable_dots(form) : x86_block_dots(form, set);
}

}  // namespace lore
