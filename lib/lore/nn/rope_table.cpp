#include "lore/nn/rope_table.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lore {
namespace {

float base_frequency(double theta, std::int64_t i, std::int64_t half) {
  const float exponent = static_cast<float>(i) / static_cast<float>(half);
  return 1.0F / static_cast<float>(std::pow(theta, static_cast<double>(exponent)));
}

float llama3_frequency(float inv, const RopeConfig& rope) {
  const double wavelength = 2.0 * std::numbers::pi / static_cast<double>(inv);
  const double original = rope.original_max_position_embeddings;
  if (wavelength > original / rope.low_freq_factor) {
    return static_cast<float>(inv / rope.factor);
  }
  if (wavelength < original / rope.high_freq_factor) {
    return inv;
  }
  const double smooth =
      (original / wavelength - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
  return static_cast<float>((1 - smooth) * inv / rope.factor + smooth * inv);
}

/// The share of each dimension that keeps its frequency, falling from 1 to 0 over the correction range.
std::vector<double> yarn_keep(const RopeConfig& rope, std::int64_t head_dim) {
  const auto d = static_cast<double>(head_dim);
  const auto dimension = [&](double rotations) {
    return d * std::log(rope.original_max_position_embeddings / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(rope.theta));
  };
  double low = dimension(rope.beta_fast);
  double high = dimension(rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, d - 1);
  if (low == high) {
    high += 0.001;
  }
  std::vector<double> keep(static_cast<std::size_t>(head_dim / 2));
  for (std::size_t i = 0; i < keep.size(); ++i) {
    keep[i] = 1.0 - std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
  }
  return keep;
}

}  // namespace

std::vector<float> rope_inverse_frequencies(const RopeConfig& rope, std::int64_t head_dim,
                                            std::int64_t length) {
  const std::int64_t half = head_dim / 2;
  double theta = rope.theta;
  if (rope.type == RopeType::kDynamic) {
    const double original = rope.original_max_position_embeddings;
    const double positions = std::max(static_cast<double>(length), original);
    theta *= std::pow(rope.factor * positions / original - (rope.factor - 1),
                      static_cast<double>(head_dim) / static_cast<double>(head_dim - 2));
  }
  const std::vector<double> keep =
      rope.type == RopeType::kYarn ? yarn_keep(rope, head_dim) : std::vector<double>{};
  std::vector<float> frequencies(static_cast<std::size_t>(half));
  for (std::int64_t i = 0; i < half; ++i) {
    const auto index = static_cast<std::size_t>(i);
    float inv = base_frequency(theta, i, half);
    switch (rope.type) {
      case RopeType::kLinear:
        inv = static_cast<float>(inv / rope.factor);
        break;
      case RopeType::kLlama3:
        inv = llama3_frequency(inv, rope);
        break;
      case RopeType::kYarn:
        inv = static_cast<float>(inv / rope.factor * (1 - keep[index]) + inv * keep[index]);
        break;
      case RopeType::kDefault:
      case RopeType::kDynamic:
        break;
    }
    frequencies[index] = rope.frequency_divisors.empty() ? inv : inv / rope.frequency_divisors[index];
  }
  return frequencies;
}

RopeRows rope_rows(const RopeConfig& rope, std::int64_t head_dim, const Segments& segments,
                   at::Device device) {
  const std::int64_t half = head_dim / 2;
  RopeRows rows{at::empty({segments.tokens(), half}, at::kFloat),
                at::empty({segments.tokens(), half}, at::kFloat)};
  float* cos = rows.cos.data_ptr<float>();
  float* sin = rows.sin.data_ptr<float>();
  std::vector<float> frequencies;
  std::int64_t computed_for = -1;
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    const std::int64_t first = segments.first_position[static_cast<std::size_t>(s)];
    const std::int64_t end = first + segments.length(s);
    if (computed_for < 0 || (rope.type == RopeType::kDynamic && computed_for != end)) {
      frequencies = rope_inverse_frequencies(rope, head_dim, end);
      computed_for = end;
    }
    for (std::int64_t position = first; position < end; ++position) {
      for (const float frequency : frequencies) {
        const float angle = static_cast<float>(position) * frequency;
        *cos++ = static_cast<float>(std::cos(angle) * rope.attention_factor);
        *sin++ = static_cast<float>(std::sin(angle) * rope.attention_factor);
      }
    }
  }
  if (!device.is_cpu()) {
    rows.cos = rows.cos.to(device);
    rows.sin = rows.sin.to(device);
  }
  return rows;
}

}  // namespace lore
