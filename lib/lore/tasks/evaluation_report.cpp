#include "lore/tasks/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lore/core/printable.h"
#include "lore/eval/term_changes.h"
#include "lore/tasks/provenance.h"
#include "lore/text/jinja_string.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json metrics_json(const Metrics& metrics) {
  Json json = Json::object();
  for (const auto& [name, value] : metrics) {
    json[name] = number(value);
  }
  return json;
}

Json source_json(const SourceScore& source) {
  const LanguageScore& score = source.adapted ? *source.adapted : source.base;
  Json json = metrics_json(language_metrics(score));
  json["tokens"] = score.tokens;
  json["identity"] = source.identity;
  if (source.adapted) {
    json["base"] = metrics_json(language_metrics(source.base));
  }
  return json;
}

Json intervals_json(const std::map<std::string, Interval>& intervals) {
  Json json = Json::object();
  for (const auto& [name, interval] : intervals) {
    json[name] = {number(interval.low), number(interval.high)};
  }
  return json;
}

Json numbers_json(const Comparison& numbers) {
  return {{"metrics", metrics_json(numbers.metrics)},
          {"base", metrics_json(numbers.base)},
          {"delta", metrics_json(numbers.delta)}};
}

Json tables_json(const std::vector<SuiteTable>& tables) {
  Json json = Json::array();
  for (const SuiteTable& table : tables) {
    json.push_back({{"title", table.title}, {"columns", table.columns}, {"rows", table.rows}});
  }
  return json;
}

Json changes_json(const SuiteResult& suite) {
  const auto list_json = [](const std::vector<TermChange>& list) {
    Json json = Json::array();
    for (const TermChange& change : list) {
      json.push_back(
          {{"term", change.term}, {"base", number(change.base)}, {"adapter", number(change.adapted)}});
    }
    return json;
  };
  Json json = Json::object();
  for (const TermChanges& changes : term_changes(suite)) {
    json[changes.metric] = {{"gained", list_json(changes.gained)}, {"lost", list_json(changes.lost)}};
  }
  return json;
}

/// What a model did on a case.
Json answered_json(const SuiteCase& one) {
  return {{"values", metrics_json(one.values)}, {"counts", metrics_json(one.counts)}, {"detail", one.detail}};
}

Json suite_json(const SuiteResult& suite) {
  Json json{{"kind", suite.kind}, {"identity", suite.identity}, {"cases", suite.base.size()}};
  json.update(numbers_json(suite.numbers));
  json["intervals"] = {{"metrics", intervals_json(suite.intervals)},
                       {"base", intervals_json(suite.base_intervals)},
                       {"delta", intervals_json(suite.delta_intervals)}};
  if (Json changes = changes_json(suite); !changes.empty()) {
    json["changes"] = std::move(changes);
  }
  json["groups"] = Json::object();
  for (const auto& [grouping, groups] : suite.groups) {
    for (const auto& [group, result] : groups) {
      Json entry{{"cases", result.cases}};
      entry.update(numbers_json(result.numbers));
      json["groups"][grouping][group] = std::move(entry);
    }
  }
  json["tables"] = tables_json(suite.tables);
  json["base_tables"] = tables_json(suite.base_tables);
  json["results"] = Json::array();
  for (std::size_t i = 0; i < suite.base.size(); ++i) {
    const SuiteCase& shown = suite.adapted ? (*suite.adapted)[i] : suite.base[i];
    Json entry{{"id", shown.id}, {"groups", shown.groups}};
    entry.update(answered_json(shown));
    if (suite.adapted) {
      entry["base"] = answered_json(suite.base[i]);
    }
    json["results"].push_back(std::move(entry));
  }
  return json;
}

Json baseline_json(const BaselineComparison& baseline) {
  return {{"model", baseline.model},
          {"metrics", metrics_json(baseline.metrics)},
          {"vs_baseline", metrics_json(baseline.change)},
          {"intervals", intervals_json(baseline.change_intervals)}};
}

std::string escaped(std::string_view text) { return jinja::escape_html(printable(text, text.size())); }

std::string cell(const Metrics& metrics, const std::string& name, const char* form) {
  const auto found = metrics.find(name);
  return found == metrics.end() ? "-" : fmt::format(fmt::runtime(form), found->second);
}

}  // namespace

std::string describe_result(const GateResult& gate) {
  return gate.value
             ? fmt::format("it is {:.6g}{}", *gate.value, gate.group.empty() ? "" : " in " + gate.group)
             : gate.why;
}

Json gate_json(const GateResult& gate) {
  Json entry{
      {"gate", gate.gate}, {"value", gate.value ? number(*gate.value) : Json()}, {"passed", gate.passed}};
  if (!gate.why.empty()) {
    entry["why"] = gate.why;
  }
  if (!gate.group.empty()) {
    entry["group"] = gate.group;
  }
  return entry;
}

Json to_json(const Evaluation& evaluation) {
  Json json;
  json["model"] = evaluation.base_name;
  json["adapter"] = evaluation.adapter_name.empty() ? Json() : Json(evaluation.adapter_name);
  json["dtype"] = evaluation.dtype;
  json["windows"] = {{"max_length", evaluation.max_length}, {"stride", evaluation.stride}};
  json["metrics"] = metrics_json(evaluation.numbers.metrics);
  json["base"] = metrics_json(evaluation.numbers.base);
  json["delta"] = metrics_json(evaluation.numbers.delta);
  json["files"] = Json::object();
  for (const SourceScore& source : evaluation.sources) {
    json["files"][source.name] = source_json(source);
  }
  json["suites"] = Json::object();
  for (const SuiteResult& suite : evaluation.suites) {
    json["suites"][suite.name] = suite_json(suite);
  }
  if (evaluation.baseline) {
    json["baseline"] = baseline_json(*evaluation.baseline);
  }
  json["gates"] = Json::array();
  for (const GateResult& gate : evaluation.gates) {
    json["gates"].push_back(gate_json(gate));
  }
  json["passed"] = evaluation.passed();
  json["tokens_per_second"] =
      evaluation.tokens == 0 ? Json() : number(static_cast<double>(evaluation.tokens) / evaluation.seconds);
  json["seconds"] = evaluation.seconds;
  json["reused_results"] = evaluation.reused;
  json["made_by"] = Provenance::versions();
  return json;
}

std::string junit_xml(const Evaluation& evaluation) {
  const auto failures = std::count_if(evaluation.gates.begin(), evaluation.gates.end(),
                                      [](const GateResult& gate) { return !gate.passed; });
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"lore evaluate\" tests=\"{}\" "
      "failures=\"{}\" "
      "time=\"{:.3f}\">\n",
      evaluation.gates.size(), failures, evaluation.seconds);
  for (const GateResult& gate : evaluation.gates) {
    xml += fmt::format("  <testcase classname=\"gates\" name=\"{}\"", escaped(gate.gate));
    xml += gate.passed ? "/>\n"
                       : fmt::format(">\n    <failure message=\"{}\"/>\n  </testcase>\n",
                                     escaped(describe_result(gate)));
  }
  return xml + "</testsuite>\n";
}

std::string summary_markdown(const Evaluation& evaluation) {
  const bool compares = !evaluation.adapter_name.empty();
  std::string text = fmt::format("## {}\n\n", evaluation.gates.empty() ? "Evaluation"
                                              : evaluation.passed()    ? "Evaluation: passed"
                                                                       : "Evaluation: failed");
  text += compares ? fmt::format("{} on {} ({}), beside the base alone.\n\n", evaluation.adapter_name,
                                 evaluation.base_name, evaluation.dtype)
                   : fmt::format("{} ({}).\n\n", evaluation.base_name, evaluation.dtype);
  text += compares ? "| metric | base | adapter | difference |\n|---|---:|---:|---:|\n"
                   : "| metric | value |\n|---|---:|\n";
  for (const auto& [name, value] : evaluation.numbers.metrics) {
    text += compares ? fmt::format("| {} | {} | {:.4f} | {} |\n", name,
                                   cell(evaluation.numbers.base, name, "{:.4f}"), value,
                                   cell(evaluation.numbers.delta, name, "{:+.4f}"))
                     : fmt::format("| {} | {:.4f} |\n", name, value);
  }
  if (!evaluation.gates.empty()) {
    text += "\n| gate | result | |\n|---|---|---|\n";
    for (const GateResult& gate : evaluation.gates) {
      text += fmt::format("| `{}` | {} | {} |\n", gate.gate, gate.passed ? "passed" : "**failed**",
                          describe_result(gate));
    }
  }
  return text;
}

}  // namespace lore
