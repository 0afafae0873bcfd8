#include "lore/tasks/baseline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/formats/json_file.h"
#include "lore/tasks/examiner.h"

namespace lore {
namespace {

using Json = nlohmann::json;

/// Numbers by name; null is a number that could not be measured.
Metrics read_metrics(const Json& json) {
  Metrics metrics;
  for (const auto& [name, value] : json.items()) {
    metrics[name] = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  }
  return metrics;
}

/// The language metrics of a file, without its other facts.
Metrics read_file_metrics(const Json& json) {
  Metrics metrics;
  for (const char* name : {"loss", "perplexity", "byte_perplexity", "word_perplexity"}) {
    if (json.contains(name) && json[name].is_number()) {
      metrics[name] = json[name].get<double>();
    }
  }
  return metrics;
}

Baseline read(const Json& json) {
  Baseline baseline;
  baseline.model = json.at(json.at("adapter").is_null() ? "model" : "adapter").get<std::string>();
  baseline.metrics = read_metrics(json.at("metrics"));
  for (const auto& [name, file] : json.at("files").items()) {
    baseline.files[file.at("identity").get<std::string>()] = read_file_metrics(file);
  }
  for (const auto& [name, suite] : json.at("suites").items()) {
    Baseline::Suite& kept = baseline.suites[name];
    kept.identity = suite.at("identity").get<std::string>();
    for (const Json& one : suite.at("results")) {
      kept.cases.push_back({one.at("id").get<std::string>(),
                            one.at("groups").get<std::map<std::string, std::string>>(),
                            read_metrics(one.at("values")),
                            read_metrics(one.at("counts")),
                            {}});
    }
  }
  return baseline;
}

}  // namespace

Baseline read_baseline(const std::filesystem::path& path) {
  const Json json = read_json_file(path);
  try {
    Baseline baseline = read(json);
    baseline.report = path.string();
    return baseline;
  } catch (const Json::exception&) {
    throw Error(ErrorKind::kInput, path.string(), "is not a report.json of this version of lore evaluate");
  }
}

void check_same_questions(const Baseline& baseline, const Questions& questions) {
  std::vector<std::string> other;
  for (const LanguageSource& source : questions.sources) {
    if (!baseline.files.contains(source.identity)) {
      other.push_back(source.name);
    }
  }
  if (other.empty() && baseline.files.size() != questions.sources.size()) {
    other.push_back(fmt::format("its {} files, where {} are scored now", baseline.files.size(),
                                questions.sources.size()));
  }
  for (const NamedSuite& suite : questions.suites) {
    const auto found = baseline.suites.find(suite.name);
    if (found == baseline.suites.end() || found->second.identity != suite.identity) {
      other.push_back(fmt::format("suite {}", suite.name));
    }
  }
  if (!other.empty()) {
    throw Error(
        ErrorKind::kRefused, baseline.report,
        fmt::format("was made of other questions and cannot be compared with: {}; evaluate the deployed "
                    "adapter on the same files, windows and suites",
                    fmt::join(other, ", ")));
  }
}

BaselineComparison compare_with_baseline(const Baseline& baseline, const Evaluation& evaluation,
                                         const Questions& questions) {
  BaselineComparison comparison;
  comparison.model = baseline.model;
  for (const auto& [name, value] : baseline.metrics) {
    if (name.find('.') == std::string::npos) {
      comparison.metrics[name] = value;
    }
  }
  for (const SourceScore& source : evaluation.sources) {
    comparison.files[source.name] = baseline.files.at(source.identity);
  }
  for (std::size_t i = 0; i < questions.suites.size(); ++i) {
    const SuiteResult& now = evaluation.suites[i];
    const std::vector<SuiteCase>& cases = now.adapted ? *now.adapted : now.base;
    const std::vector<SuiteCase>& before = baseline.suites.at(now.name).cases;
    for (std::size_t j = 0; j < cases.size(); ++j) {
      if (before.size() != cases.size() || before[j].id != cases[j].id) {
        throw Error(ErrorKind::kInput, baseline.report,
                    fmt::format("does not hold the cases of suite {} any more", now.name));
      }
    }
    SuiteResult result = summarize(*questions.suites[i].suite, before, cases);
    result.name = now.name;
    result.identity = now.identity;
    for (const auto& [name, value] : result.numbers.base) {
      comparison.metrics[fmt::format("{}.{}", now.name, name)] = value;
    }
    for (const auto& [name, interval] : result.delta_intervals) {
      comparison.change_intervals.emplace(fmt::format("{}.{}", now.name, name), interval);
    }
    comparison.suites.push_back(std::move(result));
  }
  comparison.change = difference(evaluation.numbers.metrics, comparison.metrics);
  return comparison;
}

}  // namespace lore
