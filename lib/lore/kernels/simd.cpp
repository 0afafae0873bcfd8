#include "lore/kernels/simd.h"

namespace lore::simd {

namespace {

LORE_SIMD void widen(float* target, const std::uint16_t* source, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    target[i] = to_float(source[i]);
  }
}

LORE_SIMD void narrow(std::uint16_t* target, const float* source, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    target[i] = to_bfloat16(source[i]);
  }
}

}  // namespace

void load(float* target, const c10::BFloat16* source, std::int64_t count) {
  widen(target, reinterpret_cast<const std::uint16_t*>(source), count);
}

void store(c10::BFloat16* target, const float* source, std::int64_t count) {
  narrow(reinterpret_cast<std::uint16_t*>(target), source, count);
}

}  // namespace lore::simd
