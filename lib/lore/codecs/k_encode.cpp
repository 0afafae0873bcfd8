#include "lore/codecs/k_encode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "lore/codecs/block_fit.h"
#include "lore/codecs/half.h"

namespace lore {
namespace {

constexpr std::size_t kElements = 256;
constexpr int kRefits = 2;  ///< of the block's own scales

using Values = std::array<float, kElements>;

float as_half(double value) { return float_from_half(half_from_float(static_cast<float>(value))); }

float mean_square(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return static_cast<float>(sum / static_cast<double>(values.size()));
}

/// A block of Q4_K or Q5_K: x ~ d * scale[run] * code - dmin * minimum[run], codes in [0, top].
class AffineBlock {
 public:
  static constexpr std::size_t kRuns = 8;
  static constexpr std::size_t kRun = 32;
  static constexpr int kLargest = 63;

  AffineBlock(std::span<const float> x, std::span<const float> importance, int top) : x_(x), top_(top) {
    for (std::size_t run = 0; run < kRuns; ++run) {
      const auto values = x.subspan(run * kRun, kRun);
      const auto weights = std::span(weights_).subspan(run * kRun, kRun);
      if (importance.empty()) {
        const float size = std::sqrt(mean_square(values));
        std::transform(values.begin(), values.end(), weights.begin(),
                       [&](float value) { return size + std::fabs(value); });
      } else {
        weigh(values, importance.subspan(run * kRun, kRun), 2 * mean_square(x), weights);
      }
    }
    fit();
  }

  bool is_finite() const { return std::isfinite(d) && std::isfinite(dmin); }

  float d = 0;     ///< as stored
  float dmin = 0;  ///< as stored
  std::array<int, kRuns> scale{};
  std::array<int, kRuns> minimum{};
  Values codes{};

 private:
  std::span<const float> values(std::size_t run) const { return x_.subspan(run * kRun, kRun); }
  std::span<const float> weights(std::size_t run) const {
    return std::span(weights_).subspan(run * kRun, kRun);
  }
  std::span<float> codes_of(Values& all, std::size_t run) const {
    return std::span(all).subspan(run * kRun, kRun);
  }

  AffineFit stored_fit(int run_scale, int run_minimum) const {
    return {d * static_cast<float>(run_scale), -dmin * static_cast<float>(run_minimum)};
  }

  void fit() {
    std::array<AffineFit, kRuns> fits;
    float largest_scale = 0;
    float largest_minimum = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
      fits[run] = fit_affine(values(run), weights(run), top_, /*negative_minimum=*/true);
      largest_scale = std::max(largest_scale, fits[run].scale);
      largest_minimum = std::max(largest_minimum, -fits[run].minimum);
    }
    d = as_half(static_cast<double>(largest_scale) / kLargest);
    dmin = as_half(static_cast<double>(largest_minimum) / kLargest);
    if (!is_finite()) {
      return;
    }
    for (std::size_t run = 0; run < kRuns; ++run) {
      choose_run(run, fits[run]);
    }
    double error = rounded_error(codes);
    for (int i = 0; i < kRefits && refit(error); ++i) {
    }
  }

  static int nearest(double value, float unit) {
    const double steps = unit > 0 ? value / static_cast<double>(unit) : 0;
    return static_cast<int>(std::lround(std::clamp(steps, 0.0, static_cast<double>(kLargest))));
  }

  /// The stored scale and minimum of one run: among three scales, each with the minimum that suits its codes.
  void choose_run(std::size_t run, const AffineFit& wanted) {
    double least = HUGE_VAL;
    std::array<float, kRun> tried;
    const int middle = nearest(static_cast<double>(wanted.scale), d);
    const auto consider = [&](int run_scale, int run_minimum) {
      const AffineFit fit = stored_fit(run_scale, run_minimum);
      round_codes(values(run), fit, 0, static_cast<float>(top_), tried);
      const double error = code_error(values(run), weights(run), fit, tried);
      if (error < least) {
        least = error;
        scale[run] = run_scale;
        minimum[run] = run_minimum;
      }
    };
    for (int s = std::max(0, middle - 1); s <= std::min(kLargest, middle + 1); ++s) {
      const int first = nearest(-static_cast<double>(wanted.minimum), dmin);
      consider(s, first);
      const CodeSums sums = code_sums(values(run), weights(run), tried);
      const double suits = (static_cast<double>(d) * s * sums.l - sums.x) / sums.w;
      if (const int second = nearest(suits, dmin); second != first) {
        consider(s, second);
      }
    }
  }

  /// Rounds all codes to what is stored.
  double rounded_error(Values& all) const {
    double error = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
      const AffineFit fit = stored_fit(scale[run], minimum[run]);
      round_codes(values(run), fit, 0, static_cast<float>(top_), codes_of(all, run));
      error += code_error(values(run), weights(run), fit, codes_of(all, run));
    }
    return error;
  }

  /// Least squares for d and dmin with the codes as they are; whether the error shrank.
  bool refit(double& error) {
    double aa = 0;
    double ab = 0;
    double bb = 0;
    double ax = 0;
    double bx = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
      const CodeSums sums = code_sums(values(run), weights(run), codes_of(codes, run));
      const double s = scale[run];
      const double m = minimum[run];
      aa += s * s * sums.l2;
      ab -= s * m * sums.l;
      bb += m * m * sums.w;
      ax += s * sums.xl;
      bx -= m * sums.x;
    }
    const double determinant = aa * bb - ab * ab;
    const AffineBlock before = *this;
    if (determinant > 0) {
      d = as_half((bb * ax - ab * bx) / determinant);
      dmin = as_half((aa * bx - ab * ax) / determinant);
    } else if (aa > 0) {
      d = as_half(ax / aa);
    }
    const double now = d > 0 && dmin >= 0 && is_finite() ? rounded_error(codes) : HUGE_VAL;
    if (now < error) {
      error = now;
      return true;
    }
    *this = before;
    return false;
  }

  std::span<const float> x_;
  int top_;
  Values weights_{};
};

/// A block of Q6_K: x ~ d * scale[run] * code, codes in [-32, 31].
class SymmetricBlock {
 public:
  static constexpr std::size_t kRuns = 16;
  static constexpr std::size_t kRun = 16;
  static constexpr int kLevels = 32;

  SymmetricBlock(std::span<const float> x, std::span<const float> importance) : x_(x) {
    if (importance.empty()) {
      std::transform(x.begin(), x.end(), weights_.begin(), [](float value) { return value * value; });
    } else {
      std::copy(importance.begin(), importance.end(), weights_.begin());
    }
    if (!std::any_of(weights_.begin(), weights_.end(), [](float weight) { return weight > 0; })) {
      weights_.fill(1);
    }
    fit();
  }

  bool is_finite() const { return std::isfinite(d); }

  float d = 0;  ///< as stored
  std::array<int, kRuns> scale{};
  Values codes{};

 private:
  std::span<const float> values(std::size_t run) const { return x_.subspan(run * kRun, kRun); }
  std::span<const float> weights(std::size_t run) const {
    return std::span(weights_).subspan(run * kRun, kRun);
  }

  void fit() {
    std::array<float, kRuns> fits;
    float extreme = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
      fits[run] = fit_scale(values(run), weights(run), kLevels);
      extreme = std::fabs(fits[run]) > std::fabs(extreme) ? fits[run] : extreme;
    }
    d = as_half(static_cast<double>(extreme) / -128);
    if (!is_finite() || d == 0) {
      return;
    }
    for (std::size_t run = 0; run < kRuns; ++run) {
      choose_run(run, fits[run]);
    }
    double error = rounded_error();
    for (int i = 0; i < kRefits && refit(error); ++i) {
    }
  }

  void choose_run(std::size_t run, float wanted) {
    const double steps = std::clamp(static_cast<double>(wanted) / static_cast<double>(d), -128.0, 127.0);
    const int middle = static_cast<int>(std::lround(steps));
    double least = HUGE_VAL;
    std::array<float, kRun> tried;
    for (int s = std::max(-128, middle - 1); s <= std::min(127, middle + 1); ++s) {
      const AffineFit fit{d * static_cast<float>(s), 0};
      round_codes(values(run), fit, -kLevels, kLevels - 1, tried);
      if (const double error = code_error(values(run), weights(run), fit, tried); error < least) {
        least = error;
        scale[run] = s;
      }
    }
  }

  double rounded_error() {
    double error = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
      const AffineFit fit{d * static_cast<float>(scale[run]), 0};
      const auto rounded = std::span(codes).subspan(run * kRun, kRun);
      round_codes(values(run), fit, -kLevels, kLevels - 1, rounded);
      error += code_error(values(run), weights(run), fit, rounded);
    }
    return error;
  }

  bool refit(double& error) {
    double aa = 0;
    double ax = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
      const CodeSums sums = code_sums(values(run), weights(run), std::span(codes).subspan(run * kRun, kRun));
      aa += static_cast<double>(scale[run]) * scale[run] * sums.l2;
      ax += scale[run] * sums.xl;
    }
    const SymmetricBlock before = *this;
    d = aa > 0 ? as_half(ax / aa) : 0;
    const double now = d != 0 && is_finite() ? rounded_error() : HUGE_VAL;
    if (now < error) {
      error = now;
      return true;
    }
    *this = before;
    return false;
  }

  std::span<const float> x_;
  Values weights_{};
};

void put_half(std::uint8_t* at, float value) {
  const std::uint16_t bits = half_from_float(value);
  std::memcpy(at, &bits, sizeof bits);
}

/// d, dmin, then 8 scales and 8 minima of 6 bits in 12 bytes, as ggml_blocks.cpp unpacks them.
void pack_run_scales(const AffineBlock& block, std::uint8_t* out) {
  put_half(out, block.d);
  put_half(out + 2, block.dmin);
  std::uint8_t* packed = out + 4;
  for (std::size_t i = 0; i < 4; ++i) {
    packed[i] = static_cast<std::uint8_t>(block.scale[i] | block.scale[i + 4] >> 4 << 6);
    packed[i + 4] = static_cast<std::uint8_t>(block.minimum[i] | block.minimum[i + 4] >> 4 << 6);
    packed[i + 8] = static_cast<std::uint8_t>((block.scale[i + 4] & 15) | (block.minimum[i + 4] & 15) << 4);
  }
}

void pack_affine(const AffineBlock& block, bool fifth_bit, std::uint8_t* out) {
  pack_run_scales(block, out);
  std::uint8_t* high = out + 16;
  std::uint8_t* low = out + (fifth_bit ? 48 : 16);
  for (std::size_t pair = 0; pair < 4; ++pair) {
    for (std::size_t i = 0; i < 32; ++i) {
      const auto first = static_cast<unsigned>(block.codes[64 * pair + i]);
      const auto second = static_cast<unsigned>(block.codes[64 * pair + 32 + i]);
      low[32 * pair + i] = static_cast<std::uint8_t>((first & 15) | (second & 15) << 4);
      if (fifth_bit) {
        high[i] |= static_cast<std::uint8_t>((first >> 4) << (2 * pair) | (second >> 4) << (2 * pair + 1));
      }
    }
  }
}

void pack_symmetric(const SymmetricBlock& block, std::uint8_t* out) {
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint8_t* low = out + 64 * half;
    std::uint8_t* high = out + 128 + 32 * half;
    for (std::size_t i = 0; i < 32; ++i) {
      std::array<unsigned, 4> q;
      for (std::size_t part = 0; part < 4; ++part) {
        q[part] = static_cast<unsigned>(static_cast<int>(block.codes[128 * half + 32 * part + i]) +
                                        SymmetricBlock::kLevels);
      }
      low[i] = static_cast<std::uint8_t>((q[0] & 15) | (q[2] & 15) << 4);
      low[i + 32] = static_cast<std::uint8_t>((q[1] & 15) | (q[3] & 15) << 4);
      high[i] = static_cast<std::uint8_t>(q[0] >> 4 | q[1] >> 4 << 2 | q[2] >> 4 << 4 | q[3] >> 4 << 6);
    }
  }
  for (std::size_t run = 0; run < SymmetricBlock::kRuns; ++run) {
    out[192 + run] = static_cast<std::uint8_t>(static_cast<std::int8_t>(block.scale[run]));
  }
  put_half(out + 208, block.d);
}

}  // namespace

bool encode_k_block(GgmlType type, std::span<const float> values, std::span<const float> importance,
                    std::byte* block) {
  auto* out = reinterpret_cast<std::uint8_t*>(block);
  std::memset(out, 0, static_cast<std::size_t>(block_layout(type)->bytes));
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    return false;
  }
  if (type == GgmlType::kQ6_K) {
    const SymmetricBlock fitted(values, importance);
    if (!fitted.is_finite()) {
      return false;
    }
    pack_symmetric(fitted, out);
    return true;
  }
  const bool fifth_bit = type == GgmlType::kQ5_K;
  const AffineBlock fitted(values, importance, fifth_bit ? 31 : 15);
  if (!fitted.is_finite()) {
    return false;
  }
  pack_affine(fitted, fifth_bit, out);
  return true;
}

}  // namespace lore
