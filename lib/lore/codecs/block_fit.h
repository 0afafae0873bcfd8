#pragma once

#include <cstddef>
#include <span>

namespace lore {

/// x ~ scale * code + minimum.
struct AffineFit {
  float scale = 0;
  float minimum = 0;
};

/// Sums over a block with weights w and codes l, from which least squares are solved.
struct CodeSums {
  double w = 0;   ///< sum of w
  double x = 0;   ///< of w x
  double l = 0;   ///< of w l
  double l2 = 0;  ///< of w l^2
  double xl = 0;  ///< of w x l
};

/// The scale s for which codes l in [-levels, levels - 1] make sum w (x - s l)^2 small: rounding grids around
/// the one that the value of largest magnitude just fits, the least-squares s = sum(w x l) / sum(w l^2) of
/// each, then rounding and least squares in turn. Zero for a block of zeros. The sizes of `x` and of those
/// below are multiples of 4.
float fit_scale(std::span<const float> x, std::span<const float> w, int levels);

/// The same with s >= 0. Where s may be negative, the largest value always gets the code -levels.
float fit_positive_scale(std::span<const float> x, std::span<const float> w, int levels);

/// The scale s >= 0 and minimum m for which codes l in [0, top] make sum w (x - s l - m)^2 small, found in
/// the same way. `negative_minimum`: m <= 0, as the K types store it.
AffineFit fit_affine(std::span<const float> x, std::span<const float> w, int top, bool negative_minimum);

/// Writes clamp(round((x - minimum) / scale), low, high) as floats; zeros for a scale of 0. Ties go to even.
void round_codes(std::span<const float> x, AffineFit fit, float low, float high, std::span<float> codes);

/// sum w (x - scale * code - minimum)^2.
double code_error(std::span<const float> x, std::span<const float> w, AffineFit fit,
                  std::span<const float> codes);

CodeSums code_sums(std::span<const float> x, std::span<const float> w, std::span<const float> codes);

/// w = importance * sqrt(spread + x^2): what a column counts for, more for the large values in it. Where the
/// importance of a whole block is zero, 1 each.
void weigh(std::span<const float> x, std::span<const float> importance, float spread, std::span<float> w);

}  // namespace lore
