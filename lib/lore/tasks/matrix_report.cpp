#include "lore/tasks/matrix_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lore/data/html_page.h"
#include "lore/data/visible_text.h"
#include "lore/tasks/evaluation_report.h"
#include "lore/tasks/evaluation_style.h"
#include "lore/tasks/html_table.h"
#include "lore/tasks/provenance.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

/// A number of each model under one name.
struct TableRow {
  std::string name;
  std::vector<std::string> cells;
};

/// What is shown of a scenario.
struct ScenarioTable {
  std::string scenario;
  std::vector<const MatrixCell*> cells;
  std::vector<TableRow> rows;
};

std::string milliseconds(double seconds) { return fmt::format("{:.1f} ms", 1000 * seconds); }

std::string three_milliseconds(const TimePercentiles& times) {
  return fmt::format("{:.1f} / {:.1f} / {:.1f} ms", 1000 * times.p50, 1000 * times.p95, 1000 * times.p99);
}

/// Adds a row where any cell has something to show.
template <class Show>
void add_row(ScenarioTable& table, std::string name, const Show& show) {
  TableRow row{std::move(name), {}};
  bool any = false;
  for (const MatrixCell* cell : table.cells) {
    std::string text = show(*cell);
    any = any || !text.empty();
    row.cells.push_back(text.empty() ? "–" : std::move(text));
  }
  if (any) {
    table.rows.push_back(std::move(row));
  }
}

void add_quality(ScenarioTable& table) {
  std::vector<std::string> names;
  for (const MatrixCell* cell : table.cells) {
    for (const auto& [name, value] : cell->evaluation.numbers.metrics) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  for (const std::string& name : names) {
    add_row(table, name, [&](const MatrixCell& cell) {
      const auto found = cell.evaluation.numbers.metrics.find(name);
      return found == cell.evaluation.numbers.metrics.end() ? "" : number_text(found->second);
    });
  }
}

void add_times(ScenarioTable& table, const std::string& currency) {
  const auto timed = [](const MatrixCell& cell, const auto& show) {
    return cell.times ? show(*cell.times) : std::string();
  };
  add_row(table, "first token, p50 / p95 / p99", [&](const MatrixCell& cell) {
    return timed(cell, [](const AnswerTimes& times) { return three_milliseconds(times.to_first_token); });
  });
  add_row(table, "each token, p50 / p95 / p99", [&](const MatrixCell& cell) {
    return timed(cell, [](const AnswerTimes& times) { return three_milliseconds(times.per_token); });
  });
  add_row(table, "tokens/s", [&](const MatrixCell& cell) {
    return timed(cell, [](const AnswerTimes& times) {
      return fmt::format("{:.1f}", static_cast<double>(times.tokens) / times.seconds);
    });
  });
  add_row(table, "an answer", [&](const MatrixCell& cell) {
    return timed(cell, [](const AnswerTimes& times) {
      return milliseconds(times.seconds / static_cast<double>(times.answers));
    });
  });
  add_row(table, "peak memory", [&](const MatrixCell& cell) {
    return timed(cell, [](const AnswerTimes& times) {
      return fmt::format("{:.2f} GiB", static_cast<double>(times.peak_memory_bytes) / (1 << 30));
    });
  });
  add_row(table, "1,000 answers", [&](const MatrixCell& cell) {
    return cell.cost_per_thousand_answers
               ? fmt::format("{:.2f} {}", *cell.cost_per_thousand_answers, currency)
               : "";
  });
}

void add_pilot(ScenarioTable& table, const std::string& currency) {
  const auto money = [&](double amount) {
    return fmt::format("{} {}", grouped(std::llround(amount)), currency);
  };
  const auto worth = [](const MatrixCell& cell, const auto& show) {
    return cell.pilot ? show(*cell.pilot) : std::string();
  };
  add_row(table, "a month: cases without a person", [&](const MatrixCell& cell) {
    return worth(cell, [](const PilotWorth& pilot) { return grouped(std::llround(pilot.cases)); });
  });
  add_row(table, "a month: minutes saved", [&](const MatrixCell& cell) {
    return worth(cell, [](const PilotWorth& pilot) { return grouped(std::llround(pilot.minutes_saved)); });
  });
  add_row(table, "a month: wages saved", [&](const MatrixCell& cell) {
    return worth(cell, [&](const PilotWorth& pilot) { return money(pilot.wages_saved); });
  });
  add_row(table, "a month: cost of the machine", [&](const MatrixCell& cell) {
    return worth(cell, [&](const PilotWorth& pilot) {
      return pilot.machine_cost ? money(*pilot.machine_cost) : std::string();
    });
  });
  add_row(table, "a month: left over", [&](const MatrixCell& cell) {
    return worth(cell, [&](const PilotWorth& pilot) { return money(pilot.net); });
  });
}

std::vector<ScenarioTable> tables_of(const MatrixResult& result) {
  std::vector<ScenarioTable> tables;
  const std::string& currency = result.matrix.machine.currency;
  for (const ScenarioSpec& scenario : result.matrix.scenarios) {
    ScenarioTable& table = tables.emplace_back();
    table.scenario = scenario.name;
    for (const MatrixCell& cell : result.cells) {
      if (cell.scenario == scenario.name) {
        table.cells.push_back(&cell);
      }
    }
    add_row(table, "verdict",
            [](const MatrixCell& cell) { return std::string(cell.passed() ? "passed" : "FAILED"); });
    add_quality(table);
    add_times(table, currency);
    add_pilot(table, currency);
  }
  return tables;
}

/// What failed in a cell, a line each.
std::vector<std::string> failures(const MatrixCell& cell) {
  std::vector<std::string> lines;
  for (const auto* gates : {&cell.evaluation.gates, &cell.budget}) {
    for (const GateResult& gate : *gates) {
      if (!gate.passed) {
        lines.push_back(
            fmt::format("{}, {}: {} ({})", cell.scenario, cell.model, gate.gate, describe_result(gate)));
      }
    }
  }
  return lines;
}

Json gates_json(const std::vector<GateResult>& gates) {
  Json json = Json::array();
  for (const GateResult& gate : gates) {
    json.push_back(gate_json(gate));
  }
  return json;
}

Json percentiles_json(const TimePercentiles& times) {
  return {{"p50", times.p50}, {"p95", times.p95}, {"p99", times.p99}};
}

Json times_json(const AnswerTimes& times) {
  return {{"answers", times.answers},
          {"tokens", times.tokens},
          {"seconds", times.seconds},
          {"tokens_per_second", static_cast<double>(times.tokens) / times.seconds},
          {"to_first_token", percentiles_json(times.to_first_token)},
          {"per_token", percentiles_json(times.per_token)},
          {"peak_memory_bytes", times.peak_memory_bytes}};
}

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

Json to_json(const MatrixResult& result) {
  Json json;
  json["machine"] = {{"price_per_hour", result.matrix.machine.price_per_hour},
                     {"currency", result.matrix.machine.currency}};
  json["cells"] = Json::array();
  for (const MatrixCell& cell : result.cells) {
    Json entry{{"scenario", cell.scenario}, {"model", cell.model}, {"passed", cell.passed()}};
    const Json evaluation = to_json(cell.evaluation);
    for (const char* name : {"dtype", "metrics", "base", "delta", "files", "gates"}) {
      entry[name] = evaluation[name];
    }
    entry["times"] = cell.times ? times_json(*cell.times) : Json();
    entry["cost_per_thousand_answers"] = or_null(cell.cost_per_thousand_answers);
    entry["budget"] = gates_json(cell.budget);
    entry["pilot"] = Json();
    if (cell.pilot) {
      entry["pilot"] = {{"cases", cell.pilot->cases},
                        {"minutes_saved", cell.pilot->minutes_saved},
                        {"wages_saved", cell.pilot->wages_saved},
                        {"machine_cost", or_null(cell.pilot->machine_cost)},
                        {"net", cell.pilot->net}};
    }
    json["cells"].push_back(std::move(entry));
  }
  json["passed"] = result.passed();
  json["made_by"] = Provenance::versions();
  return json;
}

std::string matrix_text(const MatrixResult& result) {
  std::string text;
  for (const ScenarioTable& table : tables_of(result)) {
    std::size_t name_width = display_width(visible_name(table.scenario));
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < table.cells.size(); ++i) {
      widths.push_back(display_width(visible_name(table.cells[i]->model)));
      for (const TableRow& row : table.rows) {
        widths[i] = std::max(widths[i], display_width(row.cells[i]));
      }
    }
    for (const TableRow& row : table.rows) {
      name_width = std::max(name_width, display_width(visible_name(row.name)));
    }
    text += pad_right(visible_name(table.scenario), name_width);
    for (std::size_t i = 0; i < table.cells.size(); ++i) {
      text += "  " + pad_left(visible_name(table.cells[i]->model), widths[i]);
    }
    text += "\n";
    for (const TableRow& row : table.rows) {
      text += pad_right(visible_name(row.name), name_width);
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        text += "  " + pad_left(row.cells[i], widths[i]);
      }
      text += "\n";
    }
    text += "\n";
  }
  for (const MatrixCell& cell : result.cells) {
    for (const std::string& line : failures(cell)) {
      text += "FAILED  " + visible_name(line) + "\n";
    }
  }
  return text + (result.passed() ? "every gate and budget holds\n" : "");
}

std::string matrix_markdown(const MatrixResult& result) {
  std::string text = result.passed() ? "## Matrix: passed\n" : "## Matrix: failed\n";
  for (const ScenarioTable& table : tables_of(result)) {
    text += fmt::format("\n### {}\n\n| |", visible_name(table.scenario));
    std::string line = "|---|";
    for (const MatrixCell* cell : table.cells) {
      text += fmt::format(" {} |", visible_name(cell->model));
      line += "---:|";
    }
    text += "\n" + line + "\n";
    for (const TableRow& row : table.rows) {
      text += fmt::format("| {} |", visible_name(row.name));
      for (const std::string& cell : row.cells) {
        text += fmt::format(" {} |", cell);
      }
      text += "\n";
    }
  }
  for (const MatrixCell& cell : result.cells) {
    for (const std::string& line : failures(cell)) {
      text += fmt::format("\n- **failed** {}", visible_name(line));
    }
  }
  return text + "\n";
}

std::string matrix_html(const MatrixResult& result) {
  std::string body = "<p class=\"what\">Scenarios by models</p>\n";
  body += result.passed() ? "<header class=\"verdict passed\"><h1>Passed</h1><p>Every model keeps every "
                            "condition and budget of "
                            "every scenario.</p></header>\n"
                          : "<header class=\"verdict failed\"><h1>Failed</h1><ul>";
  for (const MatrixCell& cell : result.cells) {
    for (const std::string& line : failures(cell)) {
      body += fmt::format("<li>{}</li>", html_text(line));
    }
  }
  body += result.passed() ? "" : "</ul></header>\n";
  for (const ScenarioTable& table : tables_of(result)) {
    std::vector<std::string> headings{""};
    for (const MatrixCell* cell : table.cells) {
      headings.push_back(cell->model);
    }
    std::vector<std::vector<HtmlCell>> rows;
    for (const TableRow& row : table.rows) {
      rows.push_back({text_cell(row.name)});
      std::transform(row.cells.begin(), row.cells.end(), std::back_inserter(rows.back()), text_cell);
    }
    body += fmt::format("<section><h2>{}</h2>\n{}</section>\n", html_text(table.scenario),
                        html_table(headings, rows));
  }
  return html_page("Scenarios by models", kEvaluationStyle, body, kEvaluationScript);
}

}  // namespace lore
