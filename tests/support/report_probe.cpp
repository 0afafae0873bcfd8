// Writes the HTML report of made-up results, so that a browser can look at it without a model. Reads one JSON
// object from stdin: {"base", "adapter", "gates": [{"gate", "value", "passed", "why"}], "suites": [{"name",
// "base": [case], "adapted": [case]}]}, a case {"id", "groups", "values", "detail"}; a suite's metrics are
// the means of its cases' values.
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "lore/tasks/evaluation_html.h"

namespace {

using Json = nlohmann::ordered_json;

class Means final : public lore::Suite {
 public:
  Json identity() const override { return {}; }
  std::vector<lore::SuiteCase> run(const lore::TestedModel& /*tested*/) const override { return {}; }
  lore::Metrics metrics(std::span<const lore::SuiteCase* const> cases) const override {
    lore::Metrics means;
    for (const lore::SuiteCase* one : cases) {
      for (const auto& [name, value] : one->values) {
        means[name] += value / static_cast<double>(cases.size());
      }
    }
    return means;
  }
};

std::vector<lore::SuiteCase> read_cases(const Json& json) {
  std::vector<lore::SuiteCase> cases;
  for (const Json& one : json) {
    cases.push_back({one.at("id").get<std::string>(),
                     one.value("groups", std::map<std::string, std::string>()),
                     one.value("values", lore::Metrics()),
                     {},
                     one.value("detail", Json::object())});
  }
  return cases;
}

}  // namespace

int main() {
  const Json request = Json::parse(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  lore::Evaluation evaluation;
  evaluation.base_name = request.at("base").get<std::string>();
  evaluation.adapter_name = request.value("adapter", std::string());
  evaluation.dtype = "float32";
  for (const Json& gate : request.value("gates", Json::array())) {
    lore::GateResult& result = evaluation.gates.emplace_back();
    result.gate = gate.at("gate").get<std::string>();
    result.passed = gate.at("passed").get<bool>();
    result.why = gate.value("why", std::string());
    if (gate.contains("value")) {
      result.value = gate["value"].get<double>();
    }
  }
  for (const Json& suite : request.value("suites", Json::array())) {
    std::optional<std::vector<lore::SuiteCase>> adapted;
    if (suite.contains("adapted")) {
      adapted = read_cases(suite["adapted"]);
    }
    evaluation.suites.push_back(lore::summarize(Means(), read_cases(suite.at("base")), std::move(adapted)));
    evaluation.suites.back().name = suite.at("name").get<std::string>();
  }
  std::cout << lore::evaluation_html(evaluation);
  return 0;
}
