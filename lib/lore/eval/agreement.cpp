#include "lore/eval/agreement.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lore {
namespace {

constexpr std::size_t kBins = 10;

double share(double part, double whole) { return whole == 0 ? 0 : part / whole; }

}  // namespace

double ConfusionMatrix::of_people(std::size_t label) const {
  double sum = 0;
  for (std::size_t model = 0; model < labels_; ++model) {
    sum += count(label, model);
  }
  return sum;
}

double ConfusionMatrix::of_model(std::size_t label) const {
  double sum = 0;
  for (std::size_t people = 0; people < labels_; ++people) {
    sum += count(people, label);
  }
  return sum;
}

double ConfusionMatrix::total() const { return std::accumulate(counts_.begin(), counts_.end(), 0.0); }

double agreement(const ConfusionMatrix& matrix) {
  double same = 0;
  for (std::size_t label = 0; label < matrix.labels(); ++label) {
    same += matrix.count(label, label);
  }
  return same / matrix.total();
}

LabelQuality label_quality(const ConfusionMatrix& matrix, std::size_t label) {
  LabelQuality quality;
  quality.precision = share(matrix.count(label, label), matrix.of_model(label));
  quality.recall = share(matrix.count(label, label), matrix.of_people(label));
  quality.f1 = share(2 * quality.precision * quality.recall, quality.precision + quality.recall);
  return quality;
}

LabelQuality macro_quality(const ConfusionMatrix& matrix) {
  LabelQuality mean;
  double given = 0;
  for (std::size_t label = 0; label < matrix.labels(); ++label) {
    if (matrix.of_people(label) + matrix.of_model(label) == 0) {
      continue;
    }
    const LabelQuality one = label_quality(matrix, label);
    ++given;
    mean.precision += (one.precision - mean.precision) / given;
    mean.recall += (one.recall - mean.recall) / given;
    mean.f1 += (one.f1 - mean.f1) / given;
  }
  return mean;
}

std::optional<double> cohen_kappa(const ConfusionMatrix& matrix) {
  const double total = matrix.total();
  double by_chance = 0;
  for (std::size_t label = 0; label < matrix.labels(); ++label) {
    by_chance += matrix.of_people(label) * matrix.of_model(label) / (total * total);
  }
  if (by_chance >= 1) {
    return {};
  }
  return (agreement(matrix) - by_chance) / (1 - by_chance);
}

std::vector<ConfidenceBin> confidence_bins(std::span<const Confidence> cases) {
  std::vector<ConfidenceBin> bins(kBins);
  for (const Confidence& one : cases) {
    const double above = std::ceil(one.probability * kBins) - 1;
    ConfidenceBin& bin = bins[static_cast<std::size_t>(std::clamp(above, 0.0, kBins - 1.0))];
    ++bin.cases;
    bin.probability_sum += one.probability;
    bin.agreeing += one.agrees ? 1 : 0;
  }
  return bins;
}

double calibration_error(std::span<const ConfidenceBin> bins) {
  double error = 0;
  double total = 0;
  for (const ConfidenceBin& bin : bins) {
    error += std::abs(bin.agreeing - bin.probability_sum);
    total += bin.cases;
  }
  return share(error, total);
}

}  // namespace lore
