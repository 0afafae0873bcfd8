#include "lore/tasks/evaluation_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lore/data/html_page.h"
#include "lore/data/visible_text.h"
#include "lore/eval/term_changes.h"
#include "lore/tasks/case_html.h"
#include "lore/tasks/evaluation_plots.h"
#include "lore/tasks/evaluation_report.h"
#include "lore/tasks/evaluation_style.h"
#include "lore/tasks/evaluation_suites.h"
#include "lore/tasks/gate_words.h"
#include "lore/tasks/html_table.h"
#include "lore/tasks/provenance.h"

namespace lore {
namespace {

constexpr std::size_t kMostBars = 24;
constexpr std::size_t kFilteredRows = 8;  // more than these can be filtered

std::optional<double> number_of(const Metrics& metrics, const std::string& name) {
  const auto found = metrics.find(name);
  return found == metrics.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Interval> interval_of(const std::map<std::string, Interval>& intervals,
                                    const std::string& name) {
  const auto found = intervals.find(name);
  return found == intervals.end() ? std::nullopt : std::optional(found->second);
}

std::string verdict(const Evaluation& evaluation) {
  const auto failed = std::count_if(evaluation.gates.begin(), evaluation.gates.end(),
                                    [](const GateResult& gate) { return !gate.passed; });
  const std::size_t gates = evaluation.gates.size();
  std::string html;
  if (gates == 0) {
    html = "<header class=\"verdict\"><h1>Measured</h1><p>No condition was set, so nothing is decided.</p>";
  } else if (failed == 0) {
    html =
        fmt::format("<header class=\"verdict passed\"><h1>Passed</h1><p>{}</p>",
                    gates == 1 ? "The one condition holds." : fmt::format("All {} conditions hold.", gates));
  } else {
    html = fmt::format("<header class=\"verdict failed\"><h1>Failed</h1><p>{} of {} {} not hold:</p><ul>",
                       failed, gates, failed == 1 ? "conditions does" : "conditions do");
    for (const GateResult& gate : evaluation.gates) {
      if (!gate.passed) {
        html += fmt::format("<li>{}, but {}</li>", html_text(gate_in_words(gate.gate)),
                            html_text(describe_result(gate)));
      }
    }
    html += "</ul>";
  }
  return html + "</header>\n";
}

std::string facts(const Evaluation& evaluation) {
  const auto versions = Provenance::versions();
  std::vector<std::pair<std::string, std::string>> facts{{"model", evaluation.base_name}};
  if (!evaluation.adapter_name.empty()) {
    facts.emplace_back("adapter", evaluation.adapter_name);
  }
  facts.emplace_back("computed in", evaluation.dtype);
  if (!evaluation.sources.empty()) {
    facts.emplace_back(
        "windows", fmt::format("{} tokens, each {} further on", evaluation.max_length, evaluation.stride));
  }
  facts.emplace_back("made by", fmt::format("lore {}, LibTorch {}", versions["lore"].get<std::string>(),
                                            versions["torch"].get<std::string>()));
  std::string html = "<dl>";
  for (const auto& [name, value] : facts) {
    html += fmt::format("<dt>{}</dt><dd>{}</dd>", name, html_text(value));
  }
  return html + "</dl>\n";
}

std::string gates_section(const Evaluation& evaluation) {
  if (evaluation.gates.empty()) {
    return "";
  }
  std::vector<std::vector<HtmlCell>> rows;
  for (const GateResult& gate : evaluation.gates) {
    rows.push_back({{fmt::format("<b class=\"{0}\">{0}</b>", gate.passed ? "passed" : "failed")},
                    text_cell(gate_in_words(gate.gate)),
                    gate.value ? number_cell(*gate.value) : text_cell(gate.why),
                    {fmt::format("<code>{}</code>", html_text(gate.gate))}});
  }
  return "<section id=\"gates\"><h2>Conditions</h2>\n" +
         html_table({"result", "condition", "measured", "as written"}, rows) + "</section>\n";
}

std::string legend(bool compares) {
  return compares ? "<p class=\"legend\"><span class=\"base\">base</span><span class=\"adapter\">with the "
                    "adapter</span><span>a line is a 95% confidence interval</span></p>\n"
                  : "";
}

std::string text_section(const Evaluation& evaluation) {
  if (evaluation.sources.empty()) {
    return "";
  }
  std::vector<PlottedNumber> plotted;
  std::vector<std::string> headings{"file", "tokens"};
  for (const auto& [name, explained] :
       {std::pair{"loss", "nats a token"}, std::pair{"perplexity", "choices a token"},
        std::pair{"byte_perplexity", "choices a byte"}, std::pair{"word_perplexity", "choices a word"}}) {
    if (const auto value = number_of(evaluation.numbers.metrics, name)) {
      plotted.push_back({fmt::format("{} ({})", name, explained), *value, std::nullopt,
                         number_of(evaluation.numbers.base, name), std::nullopt});
    }
  }
  const char* const columns[] = {"loss", "perplexity", "byte_perplexity"};
  headings.insert(headings.end(), std::begin(columns), std::end(columns));
  std::vector<std::vector<HtmlCell>> rows;
  for (const SourceScore& source : evaluation.sources) {
    const LanguageScore& score = source.adapted ? *source.adapted : source.base;
    const Metrics metrics = language_metrics(score);
    const Metrics base = source.adapted ? language_metrics(source.base) : Metrics();
    rows.push_back({text_cell(source.name), {grouped(score.tokens), static_cast<double>(score.tokens)}});
    for (const char* column : columns) {
      const auto value = number_of(metrics, column);
      rows.back().push_back(value ? compared_cell(number_of(base, column), *value) : text_cell("–"));
    }
  }
  return fmt::format(
      "<section id=\"text\"><h2>Language</h2>\n<p class=\"note\">How surprising the text is to the model; "
      "lower is better.</p>\n{}<figure>{}</figure>\n<div{}>{}</div></section>\n",
      legend(!evaluation.adapter_name.empty()), numbers_plot(plotted),
      rows.size() > kFilteredRows ? " data-filter" : "", html_table(headings, rows));
}

std::string metrics_part(const SuiteResult& suite) {
  std::vector<PlottedNumber> plotted;
  std::vector<std::vector<HtmlCell>> rows;
  for (const auto& [name, value] : suite.numbers.metrics) {
    const auto base = number_of(suite.numbers.base, name);
    const auto delta = number_of(suite.numbers.delta, name);
    const auto interval = interval_of(suite.intervals, name);
    const auto of_delta = interval_of(suite.delta_intervals, name);
    plotted.push_back({name, value, interval, base, interval_of(suite.base_intervals, name)});
    rows.push_back({text_cell(name)});
    const auto bounds = [](const std::optional<Interval>& one, const char* form) {
      return text_cell(one ? fmt::format(fmt::runtime(form), one->low, one->high) : "–");
    };
    if (suite.adapted) {
      rows.back().push_back(base ? number_cell(*base) : text_cell("–"));
    }
    rows.back().push_back(number_cell(value));
    rows.back().push_back(bounds(interval, "{:.4g} to {:.4g}"));
    if (suite.adapted) {
      rows.back().push_back(delta ? change_cell(*delta) : text_cell("–"));
      rows.back().push_back(bounds(of_delta, "{:+.4g} to {:+.4g}"));
    }
  }
  const std::vector<std::string> headings =
      suite.adapted ? std::vector<std::string>{"metric", "base", "adapter", "95%", "change", "95% of it"}
                    : std::vector<std::string>{"metric", "value", "95%"};
  return fmt::format("{}<figure>{}</figure>\n{}", legend(suite.adapted.has_value()), numbers_plot(plotted),
                     html_table(headings, rows));
}

/// Tables of a suite's own, such as a confusion matrix.
std::string tables_part(const std::vector<SuiteTable>& tables, const char* model) {
  std::string html;
  for (const SuiteTable& table : tables) {
    std::vector<std::vector<HtmlCell>> rows;
    for (const auto& row : table.rows) {
      rows.emplace_back();
      for (const auto& cell : row) {
        rows.back().push_back(cell.is_number()   ? number_cell(cell.get<double>())
                              : cell.is_string() ? text_cell(cell.get<std::string>())
                                                 : text_cell("–"));
      }
    }
    html += fmt::format("<h3>{}{}</h3>\n{}", html_text(table.title), model, html_table(table.columns, rows));
  }
  return html;
}

/// The terms that were gained and lost, the largest changes first.
std::string changes_part(const SuiteResult& suite) {
  std::string html;
  for (const TermChanges& changes : term_changes(suite)) {
    std::vector<std::vector<HtmlCell>> rows;
    for (const auto& [verb, list] :
         {std::pair("gained", &changes.gained), std::pair("lost", &changes.lost)}) {
      for (const TermChange& change : *list) {
        rows.push_back({text_cell(change.term),
                        {fmt::format("<b class=\"{}\">{}</b>", verb, verb)},
                        number_cell(change.base),
                        number_cell(change.adapted),
                        change_cell(change.adapted - change.base)});
      }
    }
    html += fmt::format("<h3>Terms by {}: {} gained, {} lost</h3>\n<div{}>{}</div>\n",
                        html_text(changes.metric), changes.gained.size(), changes.lost.size(),
                        rows.size() > kFilteredRows ? " data-filter" : "",
                        html_table({"term", "", "base", "adapter", "change"}, rows));
  }
  return html;
}

/// Those that lost most and those that gained most, where there are too many to be seen.
std::vector<PlottedNumber> telling(std::vector<PlottedNumber> groups) {
  if (groups.size() <= kMostBars) {
    return groups;
  }
  std::stable_sort(groups.begin(), groups.end(), [](const PlottedNumber& a, const PlottedNumber& b) {
    return a.value - a.base.value_or(0) < b.value - b.base.value_or(0);
  });
  groups.erase(groups.begin() + kMostBars / 2, groups.end() - kMostBars / 2);
  return groups;
}

std::string grouping_part(const std::string& grouping, const std::map<std::string, GroupResult>& groups,
                          const std::vector<std::string>& metrics) {
  std::string figures;
  for (const std::string& metric : metrics) {
    std::vector<PlottedNumber> plotted;
    for (const auto& [group, result] : groups) {
      if (const auto value = number_of(result.numbers.metrics, metric); value && std::isfinite(*value)) {
        plotted.push_back(
            {group, *value, std::nullopt, number_of(result.numbers.base, metric), std::nullopt});
      }
    }
    const std::size_t all = plotted.size();
    figures +=
        fmt::format("<figure data-name=\"{0}\"><figcaption>{0} by {1}{2}</figcaption>{3}</figure>\n",
                    html_text(metric), html_text(grouping),
                    all > kMostBars ? fmt::format(": the {} that changed most, of {}", kMostBars, all) : "",
                    groups_plot(telling(std::move(plotted))));
  }
  std::vector<std::string> headings{grouping, "cases"};
  headings.insert(headings.end(), metrics.begin(), metrics.end());
  std::vector<std::vector<HtmlCell>> rows;
  for (const auto& [group, result] : groups) {
    rows.push_back({text_cell(group), number_cell(static_cast<double>(result.cases))});
    for (const std::string& metric : metrics) {
      const auto value = number_of(result.numbers.metrics, metric);
      rows.back().push_back(value ? compared_cell(number_of(result.numbers.base, metric), *value)
                                  : text_cell("–"));
    }
  }
  return fmt::format("<h3>By {}</h3>\n<div class=\"choice\">{}</div>\n<div{}>{}</div>\n", html_text(grouping),
                     figures, rows.size() > kFilteredRows ? " data-filter" : "", html_table(headings, rows));
}

std::string cases_part(const SuiteResult& suite) {
  std::vector<std::string> groupings;
  std::vector<std::string> values;
  for (const auto& [grouping, groups] : suite.groups) {
    groupings.push_back(grouping);
  }
  for (const SuiteCase& one : suite.base) {
    for (const auto& [name, value] : one.values) {
      if (std::find(values.begin(), values.end(), name) == values.end()) {
        values.push_back(name);
      }
    }
  }
  std::vector<std::string> headings{"case"};
  headings.insert(headings.end(), groupings.begin(), groupings.end());
  headings.insert(headings.end(), values.begin(), values.end());
  std::vector<std::vector<HtmlCell>> rows;
  std::string cards;
  for (std::size_t i = 0; i < suite.base.size(); ++i) {
    const SuiteCase& base = suite.base[i];
    const SuiteCase* adapted = suite.adapted ? &(*suite.adapted)[i] : nullptr;
    const std::string anchor = fmt::format("{}-{}", suite.name, i + 1);
    rows.push_back({{fmt::format("<a href=\"#{}\">{}</a>", anchor, html_text(base.id))}});
    for (const std::string& grouping : groupings) {
      const auto group = base.groups.find(grouping);
      rows.back().push_back(text_cell(group == base.groups.end() ? "–" : group->second));
    }
    for (const std::string& name : values) {
      const auto before = number_of(base.values, name);
      const auto value = adapted != nullptr ? number_of(adapted->values, name) : before;
      rows.back().push_back(value ? compared_cell(adapted != nullptr ? before : std::nullopt, *value)
                                  : text_cell("–"));
    }
    cards += case_html(base, adapted, anchor);
  }
  return fmt::format("<h3>{} cases</h3>\n<div class=\"cases\" data-filter>{}{}</div>\n", suite.base.size(),
                     html_table(headings, rows), cards);
}

std::string baseline_section(const Evaluation& evaluation) {
  if (!evaluation.baseline) {
    return "";
  }
  std::vector<std::vector<HtmlCell>> rows;
  for (const auto& [name, change] : evaluation.baseline->change) {
    const auto interval = interval_of(evaluation.baseline->change_intervals, name);
    rows.push_back(
        {text_cell(name), number_cell(evaluation.baseline->metrics.at(name)),
         number_cell(evaluation.numbers.metrics.at(name)), change_cell(change),
         text_cell(interval ? fmt::format("{:+.4g} to {:+.4g}", interval->low, interval->high) : "–")});
  }
  return fmt::format(
      "<section id=\"baseline\"><h2>Beside the model now deployed</h2>\n<p class=\"note\">{}, by its report "
      "on the "
      "same questions.</p>\n<div{}>{}</div></section>\n",
      html_text(evaluation.baseline->model), rows.size() > kFilteredRows ? " data-filter" : "",
      html_table({"metric", "deployed", "now", "change", "95% of it"}, rows));
}

/// The suite's metrics, those that a gate names first.
std::vector<std::string> metrics_in_order(const SuiteResult& suite, const Evaluation& evaluation) {
  std::vector<std::string> names;
  for (const auto& [name, value] : suite.numbers.metrics) {
    names.push_back(name);
  }
  std::stable_partition(names.begin(), names.end(), [&](const std::string& name) {
    return std::any_of(evaluation.gates.begin(), evaluation.gates.end(), [&](const GateResult& gate) {
      return gate.gate.find(suite.name + "." + name) != std::string::npos;
    });
  });
  return names;
}

std::string suite_section(const SuiteResult& suite, const Evaluation& evaluation) {
  const auto kinds = suite_kinds();
  const auto kind =
      std::find_if(kinds.begin(), kinds.end(), [&](const SuiteKind& one) { return one.name == suite.kind; });
  std::string html = fmt::format("<section id=\"suite-{0}\"><h2>{0}</h2>\n", html_text(suite.name));
  if (kind != kinds.end()) {
    html += fmt::format("<p class=\"note\">{}</p>\n", html_text(kind->help));
  }
  html += metrics_part(suite) + changes_part(suite);
  html +=
      tables_part(suite.tables, suite.adapted ? ": adapter" : "") + tables_part(suite.base_tables, ": base");
  const std::vector<std::string> metrics = metrics_in_order(suite, evaluation);
  for (const auto& [grouping, groups] : suite.groups) {
    html += grouping_part(grouping, groups, metrics);
  }
  return html + cases_part(suite) + "</section>\n";
}

}  // namespace

std::string evaluation_html(const Evaluation& evaluation) {
  const bool compares = !evaluation.adapter_name.empty();
  const std::string& name = compares ? evaluation.adapter_name : evaluation.base_name;
  std::string body = fmt::format("<p class=\"what\">Evaluation of <b>{}</b>{}</p>\n", html_text(name),
                                 compares ? " beside its base " + html_text(evaluation.base_name) : "");
  body += verdict(evaluation) + facts(evaluation) + gates_section(evaluation) + baseline_section(evaluation) +
          text_section(evaluation);
  for (const SuiteResult& suite : evaluation.suites) {
    body += suite_section(suite, evaluation);
  }
  return html_page(fmt::format("{} - evaluation", name), kEvaluationStyle, body, kEvaluationScript);
}

}  // namespace lore
