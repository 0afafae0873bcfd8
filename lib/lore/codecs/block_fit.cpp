#include "lore/codecs/block_fit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lore {
namespace {

/// Four floats that are computed with at once; sums end in a fixed order, whatever the processor.
using Lanes = float __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 4;

Lanes load(const float* at) {
  Lanes lanes;
  std::memcpy(&lanes, at, sizeof lanes);
  return lanes;
}

Lanes all(float value) { return Lanes{value, value, value, value}; }

double sum_of(const Lanes& lanes) {
  return (static_cast<double>(lanes[0]) + static_cast<double>(lanes[1])) +
         (static_cast<double>(lanes[2]) + static_cast<double>(lanes[3]));
}

/// To the nearest integer, for |values| below 2^22: the sum's last bit is worth 1.
Lanes rounded(const Lanes& values) {
  constexpr float kMagic = 12582912.0F;
  return (values + kMagic) - kMagic;
}

Lanes clamped(const Lanes& values, const Lanes& low, const Lanes& high) {
  const Lanes raised = values < low ? low : values;
  return raised > high ? high : raised;
}

/// The sums that change with the codes clamp(round((x - minimum) * inverse), low, high).
struct Trial {
  double l = 0;
  double l2 = 0;
  double xl = 0;
};

Trial try_codes(std::span<const float> x, std::span<const float> w, float inverse, float minimum, float low,
                float high) {
  const Lanes factor = all(inverse);
  const Lanes shift = all(minimum);
  const Lanes bottom = all(low);
  const Lanes top = all(high);
  Lanes sum_l = all(0);
  Lanes sum_l2 = all(0);
  Lanes sum_xl = all(0);
  for (std::size_t i = 0; i < x.size(); i += kLanes) {
    const Lanes values = load(&x[i]);
    // Clamped first: the rounding holds for small numbers alone.
    const Lanes codes = rounded(clamped((values - shift) * factor, bottom, top));
    const Lanes weighted = load(&w[i]) * codes;
    sum_l += weighted;
    sum_l2 += weighted * codes;
    sum_xl += weighted * values;
  }
  return {sum_of(sum_l), sum_of(sum_l2), sum_of(sum_xl)};
}

constexpr int kTrials = 10;         ///< grids on either side of the one that just fits
constexpr double kTrialStep = 0.1;  ///< codes by which they differ
constexpr int kRefinements = 2;
constexpr double kSingular = 1e-9;  ///< share of its terms below which a determinant is rounding

float extreme_of(std::span<const float> x) {
  float extreme = 0;
  for (const float value : x) {
    extreme = std::fabs(value) > std::fabs(extreme) ? value : extreme;
  }
  return extreme;
}

/// `middle`: the code that the value of largest magnitude gets in the grid that just fits.
float fit_around(std::span<const float> x, std::span<const float> w, int levels, double extreme,
                 double middle) {
  const double unit = middle / extreme;
  if (!std::isfinite(static_cast<float>(2 * unit))) {
    return 0;
  }
  const auto low = static_cast<float>(-levels);
  const auto high = static_cast<float>(levels - 1);
  double gain = 0;  // by which the error is below sum w x^2
  double best = 0;
  const auto consider = [&](double inverse) {
    const Trial trial = try_codes(x, w, static_cast<float>(inverse), 0, low, high);
    if (trial.l2 > 0 && trial.xl * trial.xl > gain * trial.l2) {
      gain = trial.xl * trial.xl / trial.l2;
      best = trial.xl / trial.l2;
    }
  };
  for (int t = -kTrials; t <= kTrials; ++t) {
    consider(unit * (1 + kTrialStep * t / std::fabs(middle)));
  }
  for (int i = 0; i < kRefinements && best != 0; ++i) {
    consider(1 / best);
  }
  return static_cast<float>(best);
}

}  // namespace

float fit_scale(std::span<const float> x, std::span<const float> w, int levels) {
  return fit_around(x, w, levels, static_cast<double>(extreme_of(x)), -levels);
}

float fit_positive_scale(std::span<const float> x, std::span<const float> w, int levels) {
  const double extreme = std::fabs(static_cast<double>(extreme_of(x)));
  return fit_around(x, w, levels, extreme, extreme_of(x) < 0 ? levels : levels - 0.5);
}

AffineFit fit_affine(std::span<const float> x, std::span<const float> w, int top, bool negative_minimum) {
  double sum_w = 0;
  double sum_x = 0;
  double sum_xx = 0;
  const auto [lowest, highest] = std::minmax_element(x.begin(), x.end());
  const float bottom = negative_minimum ? std::min(*lowest, 0.0F) : *lowest;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weighted = static_cast<double>(w[i]) * static_cast<double>(x[i]);
    sum_w += static_cast<double>(w[i]);
    sum_x += weighted;
    sum_xx += weighted * static_cast<double>(x[i]);
  }
  const double width = static_cast<double>(*highest) - static_cast<double>(bottom);
  if (!(width > 0) || !std::isfinite(static_cast<float>((top + 1) / width)) || !(sum_w > 0)) {
    return {0, bottom};
  }
  double least = HUGE_VAL;
  AffineFit best;
  const auto consider = [&](double inverse, double minimum) {
    const Trial trial =
        try_codes(x, w, static_cast<float>(inverse), static_cast<float>(minimum), 0, static_cast<float>(top));
    const double determinant = sum_w * trial.l2 - trial.l * trial.l;
    double scale = trial.l2 > 0 ? trial.xl / trial.l2 : 0;
    double shift = 0;
    // Where all codes are the same, only their common value can be fitted.
    if (determinant > kSingular * sum_w * trial.l2) {
      const double free_shift = (trial.l2 * sum_x - trial.l * trial.xl) / determinant;
      if (!negative_minimum || free_shift <= 0) {
        scale = (sum_w * trial.xl - sum_x * trial.l) / determinant;
        shift = free_shift;
      }
    }
    const double error = sum_xx + scale * scale * trial.l2 + shift * shift * sum_w +
                         2 * scale * shift * trial.l - 2 * scale * trial.xl - 2 * shift * sum_x;
    if (scale > 0 && error < least) {
      least = error;
      best = {static_cast<float>(scale), static_cast<float>(shift)};
    }
  };
  for (int t = -kTrials; t <= kTrials; ++t) {
    consider((top + kTrialStep * t) / width, static_cast<double>(bottom));
  }
  for (int i = 0; i < kRefinements && best.scale > 0; ++i) {
    consider(1 / static_cast<double>(best.scale), static_cast<double>(best.minimum));
  }
  return best;
}

void round_codes(std::span<const float> x, AffineFit fit, float low, float high, std::span<float> codes) {
  const float inverse = 1.0F / fit.scale;
  if (!std::isfinite(inverse)) {
    std::fill(codes.begin(), codes.end(), 0.0F);
    return;
  }
  for (std::size_t i = 0; i < x.size(); i += kLanes) {
    const Lanes values = (load(&x[i]) - fit.minimum) * inverse;
    const Lanes result = rounded(clamped(values, all(low), all(high)));
    std::memcpy(&codes[i], &result, sizeof result);
  }
}

double code_error(std::span<const float> x, std::span<const float> w, AffineFit fit,
                  std::span<const float> codes) {
  Lanes sum = all(0);
  for (std::size_t i = 0; i < x.size(); i += kLanes) {
    const Lanes miss = load(&x[i]) - fit.minimum - fit.scale * load(&codes[i]);
    sum += load(&w[i]) * miss * miss;
  }
  return sum_of(sum);
}

CodeSums code_sums(std::span<const float> x, std::span<const float> w, std::span<const float> codes) {
  Lanes sum_w = all(0);
  Lanes sum_x = all(0);
  Lanes sum_l = all(0);
  Lanes sum_l2 = all(0);
  Lanes sum_xl = all(0);
  for (std::size_t i = 0; i < x.size(); i += kLanes) {
    const Lanes weights = load(&w[i]);
    const Lanes values = load(&x[i]);
    const Lanes weighted = weights * load(&codes[i]);
    sum_w += weights;
    sum_x += weights * values;
    sum_l += weighted;
    sum_l2 += weighted * load(&codes[i]);
    sum_xl += weighted * values;
  }
  return {sum_of(sum_w), sum_of(sum_x), sum_of(sum_l), sum_of(sum_l2), sum_of(sum_xl)};
}

void weigh(std::span<const float> x, std::span<const float> importance, float spread, std::span<float> w) {
  float largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    w[i] = importance[i] * std::sqrt(spread + x[i] * x[i]);
    largest = std::max(largest, w[i]);
  }
  if (!(largest > 0)) {
    std::fill(w.begin(), w.end(), 1.0F);
  }
}

}  // namespace lore
