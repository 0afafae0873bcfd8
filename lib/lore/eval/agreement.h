#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace lore {

/// How often a model gave each label to the cases that people gave each label.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::size_t labels) : labels_(labels), counts_(labels * labels) {}

  void add(std::size_t people, std::size_t model) { ++counts_[people * labels_ + model]; }
  std::size_t labels() const { return labels_; }
  double count(std::size_t people, std::size_t model) const { return counts_[people * labels_ + model]; }
  /// Cases that people gave a label.
  double of_people(std::size_t label) const;
  /// Cases that the model gave a label.
  double of_model(std::size_t label) const;
  double total() const;

 private:
  std::size_t labels_;
  std::vector<double> counts_;
};

/// How well a label is found.
struct LabelQuality {
  double precision = 0;  ///< of the cases the model gave it, the share that people gave it; 0 where none
  double recall = 0;     ///< of the cases people gave it, the share that the model gave it; 0 where none
  double f1 = 0;         ///< harmonic mean of both; 0 where one is
};

/// Share of the cases with the same label. REQUIRES at least one case.
double agreement(const ConfusionMatrix& matrix);
LabelQuality label_quality(const ConfusionMatrix& matrix, std::size_t label);
/// Mean over the labels that people or the model gave, each counting the same.
LabelQuality macro_quality(const ConfusionMatrix& matrix);
/// (p - e) / (1 - e), with the agreement p and the agreement e of independent labels as frequent as these
/// (Cohen 1960). Nothing where e is 1.
std::optional<double> cohen_kappa(const ConfusionMatrix& matrix);

/// How sure a model was of the label it gave, and whether people agree.
struct Confidence {
  double probability;
  bool agrees;
};

/// The cases of one range of confidence.
struct ConfidenceBin {
  double cases = 0;
  double probability_sum = 0;
  double agreeing = 0;
};

/// Ten bins of equal width; bin i holds the probabilities in (i/10, (i+1)/10].
std::vector<ConfidenceBin> confidence_bins(std::span<const Confidence> cases);
/// Expected calibration error: sum over bins of n_b/N |share agreeing - mean probability| (Guo et al. 2017,
/// arXiv 1706.04599).
double calibration_error(std::span<const ConfidenceBin> bins);

}  // namespace lore
