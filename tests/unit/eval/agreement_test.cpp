#include "lore/eval/agreement.h"

#include "lore/eval/fairness.h"
#include "support/catch.h"

namespace {

lore::ConfusionMatrix matrix(std::size_t labels, const std::vector<std::size_t>& people,
                             const std::vector<std::size_t>& model) {
  lore::ConfusionMatrix made(labels);
  for (std::size_t i = 0; i < people.size(); ++i) {
    made.add(people[i], model[i]);
  }
  return made;
}

}  // namespace

TEST_CASE("agreement, kappa and the quality of labels are those of scikit-learn 1.7.2") {
  const auto three = matrix(3, {0, 0, 0, 0, 1, 1, 1, 2, 2, 2}, {0, 0, 1, 2, 1, 1, 0, 2, 0, 2});
  CHECK(lore::agreement(three) == Approx(0.6));
  CHECK(lore::cohen_kappa(three).value() == Approx(0.393939393939394));
  const lore::LabelQuality first = lore::label_quality(three, 0);
  CHECK(first.precision == Approx(0.5));
  CHECK(first.recall == Approx(0.5));
  CHECK(first.f1 == Approx(0.5));
  CHECK(three.count(2, 0) == 1);
  CHECK(three.count(0, 2) == 1);
  const lore::LabelQuality macro = lore::macro_quality(three);
  CHECK(macro.precision == Approx(0.611111111111111));
  CHECK(macro.recall == Approx(0.611111111111111));
  CHECK(macro.f1 == Approx(0.611111111111111));
}

TEST_CASE("a label that is never given has precision 0, and one that nobody gave does not count") {
  const auto one_label = matrix(3, {0, 0, 1, 1}, {0, 0, 0, 0});
  CHECK(lore::cohen_kappa(one_label).value() == 0);
  CHECK(lore::label_quality(one_label, 1).precision == 0);
  const lore::LabelQuality macro = lore::macro_quality(one_label);
  CHECK(macro.precision == Approx(0.25));
  CHECK(macro.recall == Approx(0.5));
  CHECK(macro.f1 == Approx(1.0 / 3));
}

TEST_CASE("kappa says nothing where everybody gives one label") {
  CHECK_FALSE(lore::cohen_kappa(matrix(2, {0, 0}, {0, 0})).has_value());
}

TEST_CASE("the calibration error weighs the gap of each bin by its cases") {
  // (0.5, 0.6]: 2 cases, mean 0.55, 1 agrees; (0.9, 1]: 3 cases, mean 0.95, 1 agrees; 0.6 is of the first
  // bin.
  const std::vector<lore::Confidence> cases = {
      {0.5001, true}, {0.6, false}, {1.0, true}, {0.92, false}, {0.93, false}};
  const auto bins = lore::confidence_bins(cases);
  REQUIRE(bins.size() == 10);
  CHECK(bins[5].cases == 2);
  CHECK(bins[9].cases == 3);
  CHECK(lore::calibration_error(bins) == Approx((1.1001 - 1 + 2.85 - 1) / 5));
}

TEST_CASE("disparate impact is the lowest selection rate over the highest") {
  // 10 of 40 and 20 of 40; a group without cases does not count.
  const std::vector<lore::GroupOutcomes> groups = {{40, 10, 20, 8}, {40, 20, 10, 9}, {}};
  CHECK(lore::disparate_impact(groups).value() == Approx(0.5));
  CHECK(lore::equal_opportunity_gap(groups).value() == Approx(0.9 - 0.4));
}

TEST_CASE("one group, or none that is favored, has no ratio") {
  const std::vector<lore::GroupOutcomes> one = {{40, 10, 20, 8}};
  CHECK_FALSE(lore::disparate_impact(one).has_value());
  CHECK_FALSE(lore::equal_opportunity_gap(one).has_value());
  const std::vector<lore::GroupOutcomes> none = {{4, 0, 0, 0}, {4, 0, 2, 0}};
  CHECK_FALSE(lore::disparate_impact(none).has_value());
  CHECK_FALSE(lore::equal_opportunity_gap(none).has_value());
}
