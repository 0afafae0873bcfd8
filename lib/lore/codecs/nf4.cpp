#include "lore/codecs/nf4.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lore/core/error.h"
#include "lore/core/instruction_sets.h"

namespace lore {
namespace {

constexpr std::size_t kScaleBlock = 256;  ///< blocks whose magnitudes share one

constexpr std::array<float, 16> kTable{-1.0F,
                                       -0.6961928009986877F,
                                       -0.5250730514526367F,
                                       -0.39491748809814453F,
                                       -0.28444138169288635F,
                                       -0.18477343022823334F,
                                       -0.09105003625154495F,
                                       0.0F,
                                       0.07958029955625534F,
                                       0.16093020141124725F,
                                       0.24611230194568634F,
                                       0.33791524171829224F,
                                       0.44070982933044434F,
                                       0.5626170039176941F,
                                       0.7229568362236023F,
                                       1.0F};

/// The values of both halves of a byte.
struct Pair {
  float high;
  float low;
};

const std::array<Pair, 256>& pairs() {
  static const std::array<Pair, 256> table = [] {
    std::array<Pair, 256> result;
    for (std::size_t byte = 0; byte < result.size(); ++byte) {
      result[byte] = {kTable[byte >> 4], kTable[byte & 15]};
    }
    return result;
  }();
  return table;
}

/// Where one entry of the table ends and the next begins; a value on the border belongs to the lower one.
constexpr std::array<float, 15> kBorders = [] {
  std::array<float, 15> borders{};
  for (std::size_t i = 0; i < borders.size(); ++i) {
    borders[i] = (kTable[i] + kTable[i + 1]) / 2;
  }
  return borders;
}();

/// The codes of a block's values, `inverse` being one over its largest magnitude.
LORE_SIMD void table_codes(const float* values, float inverse, std::size_t count, std::int32_t* codes) {
  for (std::size_t i = 0; i < count; ++i) {
    const float scaled = values[i] * inverse;
    std::int32_t code = 0;
    for (const float border : kBorders) {
      code += scaled > border ? 1 : 0;
    }
    codes[i] = code;
  }
}

/// Seven decades, each with twice the values of the one below; positive and negative, zero and one.
std::array<float, 256> make_dynamic_map() {
  std::array<float, 256> map{};
  std::size_t count = 2;
  map[1] = 1.0F;
  for (int decade = 0; decade < 7; ++decade) {
    const auto factor = static_cast<float>(std::pow(10.0, decade - 6));
    const int steps = 1 << decade;
    const float step = (1.0F - 0.1F) / static_cast<float>(steps);
    // Torch's linspace counts from the nearer end.
    const auto boundary = [&](int i) {
      return i < (steps + 1) / 2 ? std::fma(step, static_cast<float>(i), 0.1F)
                                 : std::fma(-step, static_cast<float>(steps - i), 1.0F);
    };
    for (int i = 0; i < steps; ++i) {
      const float value = factor * ((boundary(i) + boundary(i + 1)) / 2);
      map[count++] = value;
      map[count++] = -value;
    }
  }
  std::sort(map.begin(), map.end());
  return map;
}

/// The codes of numbers in [-1, 1] on a grid of 2^16: bitsandbytes looks them up so.
const std::vector<std::uint8_t>& dynamic_codes() {
  static const std::vector<std::uint8_t> codes = [] {
    std::vector<std::uint8_t> result(65536);
    const std::span<const float> map = dynamic_map();
    std::size_t code = 0;
    for (std::size_t i = 0; i < result.size(); ++i) {
      const float value = -1.0F + static_cast<float>(i) * (2.0F / 65535.0F);
      while (code + 1 < map.size() && (map[code] + map[code + 1]) / 2 < value) {
        ++code;
      }
      result[i] = static_cast<std::uint8_t>(code);
    }
    return result;
  }();
  return codes;
}

std::uint8_t dynamic_code(float value) {
  const auto place = static_cast<std::int64_t>((value + 1.0F) * 32767.5F + 0.5F);
  return dynamic_codes()[static_cast<std::size_t>(std::clamp<std::int64_t>(place, 0, 65535))];
}

}  // namespace

std::span<const float> nf4_table() { return kTable; }

std::span<const float> dynamic_map() {
  static const std::array<float, 256> map = make_dynamic_map();
  return map;
}

Nf4Values::Nf4Values(std::size_t count)
    : count_(count), codes_((count + 1) / 2), magnitudes_((count + kNf4Block - 1) / kNf4Block) {}

std::size_t Nf4Values::bytes() const {
  return codes_.size() + scale_codes_.size() +
         (magnitudes_.size() + scale_magnitudes_.size() + 1) * sizeof(float);
}

bool Nf4Values::encode(std::size_t first, std::span<const float> values) {
  if (first % kNf4Block != 0 || first + values.size() > count_) {
    throw Error(ErrorKind::kInternal, "NF4", "values come in whole blocks");
  }
  for (std::size_t begin = 0; begin < values.size(); begin += kNf4Block) {
    const auto block = values.subspan(begin, std::min(kNf4Block, values.size() - begin));
    float largest = 0;
    for (const float value : block) {
      if (!std::isfinite(value)) {
        return false;
      }
      largest = std::max(largest, std::fabs(value));
    }
    const float inverse = 1.0F / std::max(largest, 1e-38F);
    std::array<std::int32_t, kNf4Block> codes{};
    if (block.size() == kNf4Block) {
      table_codes(block.data(), inverse, block.size(), codes.data());
    } else {
      // bitsandbytes divides in what is left at the end.
      std::array<float, kNf4Block> shares{};
      std::transform(block.begin(), block.end(), shares.begin(),
                     [&](float value) { return value / std::max(largest, 1e-38F); });
      table_codes(shares.data(), 1.0F, block.size(), codes.data());
    }
    for (std::size_t i = 0; i < block.size(); i += 2) {
      codes_[(first + begin + i) / 2] = static_cast<std::uint8_t>(codes[i] << 4 | codes[i + 1]);
    }
    magnitudes_[(first + begin) / kNf4Block] = largest;
  }
  return true;
}

void Nf4Values::finish() {
  double sum = 0;
  for (const float magnitude : magnitudes_) {
    sum += magnitude;
  }
  mean_ = magnitudes_.empty() ? 0 : static_cast<float>(sum / static_cast<double>(magnitudes_.size()));
  scale_codes_.resize(magnitudes_.size());
  for (std::size_t begin = 0; begin < magnitudes_.size(); begin += kScaleBlock) {
    const std::size_t end = std::min(begin + kScaleBlock, magnitudes_.size());
    float largest = 0;
    for (std::size_t i = begin; i < end; ++i) {
      largest = std::max(largest, std::fabs(magnitudes_[i] - mean_));
    }
    for (std::size_t i = begin; i < end && largest > 0; ++i) {
      scale_codes_[i] = dynamic_code((magnitudes_[i] - mean_) / largest);
    }
    scale_magnitudes_.push_back(largest);
  }
  magnitudes_ = {};
}

float Nf4Values::scale(std::size_t block) const {
  return dynamic_map()[scale_codes_[block]] * scale_magnitudes_[block / kScaleBlock] + mean_;
}

void Nf4Values::decode(std::size_t first, std::span<float> values) const {
  const std::array<Pair, 256>& table = pairs();
  const std::size_t end = first + values.size();
  float* out = values.data();
  for (std::size_t i = first; i < end;) {
    const std::size_t block = i / kNf4Block;
    const std::size_t block_end = std::min(end, (block + 1) * kNf4Block);
    const float factor = scale(block);
    if (i % 2 != 0) {
      *out++ = table[codes_[i / 2]].low * factor;
      ++i;
    }
    for (; i + 2 <= block_end; i += 2, out += 2) {
      const Pair& pair = table[codes_[i / 2]];
      out[0] = pair.high * factor;
      out[1] = pair.low * factor;
    }
    if (i < block_end) {
      *out++ = table[codes_[i / 2]].high * factor;
      ++i;
    }
  }
}

}  // namespace lore
