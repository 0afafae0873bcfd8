#include "lore/tasks/logit_difference.h"

#include <algorithm>
#include <cmath>

#include "lore/kernels/parallel.h"

namespace lore {
namespace {

/// The largest of `values` and its place.
std::pair<double, std::int64_t> peak_of(const float* values, std::int64_t count) {
  const float* found = std::max_element(values, values + count);
  return {static_cast<double>(*found), found - values};
}

}  // namespace

void LogitComparison::add(const at::Tensor& reference, const at::Tensor& other) {
  const std::int64_t width = reference.size(1);
  const auto raise = [&](Softmax& softmax, const float* values) {
    const auto [peak, place] = peak_of(values, width);
    if (softmax.top >= 0 && peak <= softmax.peak) {
      return 1.0;
    }
    const double factor = softmax.top < 0 ? 0.0 : std::exp(softmax.peak - peak);
    softmax.peak = peak;
    softmax.sum *= factor;
    softmax.top = seen_ + place;
    return factor;
  };
  const auto compare = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      Row& row = rows_[static_cast<std::size_t>(n)];
      const float* p = reference.data_ptr<float>() + n * width;
      const float* q = other.data_ptr<float>() + n * width;
      if (!labels_.empty()) {
        const std::int64_t label = labels_[static_cast<std::size_t>(n)] - seen_;
        if (label >= 0 && label < width) {
          row.reference_label = static_cast<double>(p[label]);
          row.label = static_cast<double>(q[label]);
        }
      }
      row.weighted *= raise(row.reference, p);
      raise(row.other, q);
      for (std::int64_t i = 0; i < width; ++i) {
        const double difference = static_cast<double>(p[i]) - static_cast<double>(q[i]);
        const double mass = std::exp(static_cast<double>(p[i]) - row.reference.peak);
        row.reference.sum += mass;
        row.other.sum += std::exp(static_cast<double>(q[i]) - row.other.peak);
        row.weighted += mass * difference;
        row.max_abs = std::max(row.max_abs, std::abs(difference));
        row.sum_abs += std::abs(difference);
      }
    }
  };
  parallel_for(0, static_cast<std::int64_t>(rows_.size()), 1, compare);
  seen_ += width;
}

LogitDifference LogitComparison::result() const {
  LogitDifference total;
  const auto tokens = static_cast<double>(rows_.size());
  const auto labelled =
      static_cast<double>(std::ranges::count_if(labels_, [](std::int32_t label) { return label >= 0; }));
  for (std::size_t n = 0; n < rows_.size(); ++n) {
    const Row& row = rows_[n];
    const double log_p = row.reference.peak + std::log(row.reference.sum);
    const double log_q = row.other.peak + std::log(row.other.sum);
    // KL is at least 0; rounding can take a sum over equal distributions just below it.
    const double raw = row.weighted / row.reference.sum - log_p + log_q;
    const double kl = raw < 0 ? 0 : raw;  // keeps a NaN
    total.kl += kl / tokens;
    total.max_kl = std::max(total.max_kl, kl);
    total.max_abs = std::max(total.max_abs, row.max_abs);
    total.mean_abs += row.sum_abs / tokens / static_cast<double>(seen_);
    if (!labels_.empty() && labels_[n] >= 0) {
      total.reference_loss += (log_p - row.reference_label) / labelled;
      total.loss += (log_q - row.label) / labelled;
    }
    total.top1_agreement += row.reference.top == row.other.top ? 1 / tokens : 0;
  }
  return total;
}

}  // namespace lore
