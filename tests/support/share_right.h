#pragma once

#include "lore/eval/suite.h"

/// A suite whose one metric is the share of cases with the value `right`.
class ShareRight final : public lore::Suite {
 public:
  nlohmann::ordered_json identity() const override { return "right"; }
  std::vector<lore::SuiteCase> run(const lore::TestedModel& /*tested*/) const override { return {}; }
  lore::Metrics metrics(std::span<const lore::SuiteCase* const> cases) const override {
    double right = 0;
    for (const lore::SuiteCase* one : cases) {
      right += one->values.at("right");
    }
    return {{"share", right / static_cast<double>(cases.size())}};
  }
};
