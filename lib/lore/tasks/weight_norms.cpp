#include "lore/tasks/weight_norms.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lore/kernels/parallel.h"

namespace lore {
namespace {

/// Sums that a block of rows adds to.
struct Sums {
  double aa = 0;
  double bb = 0;
  double difference = 0;
  double ab = 0;
};

/// Calls sum(first_row, rows) for blocks of rows and adds up what it returns, in the order of the blocks.
template <class Sum>
Sums sum_blocks(const std::vector<std::int64_t>& shape, const Sum& sum) {
  constexpr std::int64_t kBlock = std::int64_t{1} << 18;
  const std::int64_t rows = shape.size() == 2 ? shape[0] : 1;
  const std::int64_t columns = shape.back();
  const std::int64_t step = std::max<std::int64_t>(1, kBlock / std::max<std::int64_t>(1, columns));
  std::vector<Sums> blocks(static_cast<std::size_t>((rows + step - 1) / step));
  parallel_for(0, static_cast<std::int64_t>(blocks.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * step;
      blocks[static_cast<std::size_t>(block)] = sum(first, std::min(step, rows - first));
    }
  });
  Sums total;
  for (const Sums& block : blocks) {
    total.aa += block.aa;
    total.bb += block.bb;
    total.difference += block.difference;
    total.ab += block.ab;
  }
  return total;
}

}  // namespace

double TensorDifference::relative() const {
  if (difference == 0) {
    return 0;
  }
  return norm_a > 0 ? difference / norm_a : std::numeric_limits<double>::infinity();
}

double TensorDifference::cosine() const {
  return norm_a > 0 && norm_b > 0 ? std::clamp(product / (norm_a * norm_b), -1.0, 1.0) : 0;
}

double weight_norm(const WeightSource& weights, const LinearShape& linear) {
  const std::string name = linear.name == "lm_head" && weights.config().tie_word_embeddings
                               ? "model.embed_tokens.weight"
                               : linear.name + ".weight";
  const std::vector<std::int64_t> shape{linear.out, linear.in};
  const Sums sums = sum_blocks(shape, [&](std::int64_t first, std::int64_t rows) {
    std::vector<float> values(static_cast<std::size_t>(rows * linear.in));
    weights.read_rows(name, shape, first, rows, values.data());
    Sums block;
    for (const float value : values) {
      block.aa += static_cast<double>(value) * value;
    }
    return block;
  });
  return std::sqrt(sums.aa);
}

TensorDifference compare_tensors(const WeightSource& a, const WeightSource& b,
                                 const ParameterShape& parameter) {
  const std::int64_t columns = parameter.shape.back();
  const Sums sums = sum_blocks(parameter.shape, [&](std::int64_t first, std::int64_t rows) {
    std::vector<float> left(static_cast<std::size_t>(rows * columns));
    std::vector<float> right(left.size());
    a.read_rows(parameter.name, parameter.shape, first, rows, left.data());
    b.read_rows(parameter.name, parameter.shape, first, rows, right.data());
    Sums block;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const double x = left[i];
      const double y = right[i];
      block.aa += x * x;
      block.bb += y * y;
      block.ab += x * y;
      block.difference += (x - y) * (x - y);
    }
    return block;
  });
  return {std::sqrt(sums.aa), std::sqrt(sums.bb), std::sqrt(sums.difference), sums.ab};
}

}  // namespace lore
