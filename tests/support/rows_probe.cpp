// rows_probe PATH [KEY=VALUE]... [--count]
//
// Writes each row of a source as one JSON object a line: {"source", "row"} or {"source", "why", "text"}; an
// error that ends the reading is the last line, {"error"}. KEY is `encoding`, `sample_by` or `limit` of a
// source.
//   --count   instead one object: rows, bad, seconds, and rss_growth, the most bytes of memory that reading
//   took
//   --lines   as --count, of the lines of one file without parsing them

#include <sys/resource.h>

#include <chrono>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lore/core/error.h"
#include "lore/corpus/line_reader.h"
#include "lore/corpus/row_reader.h"
#include "lore/corpus/text_cursor.h"

namespace {

using nlohmann::ordered_json;

long peak_memory() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

std::string line_of(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json to_json(lore::ReadRow& read) {
  if (auto* bad = std::get_if<lore::BadRow>(&read)) {
    return {{"source", bad->source}, {"why", bad->why}, {"text", bad->text}};
  }
  auto& row = std::get<lore::Row>(read);
  return {{"source", row.source}, {"row", std::move(row.value)}};
}

lore::SourceSpec source_of(const std::vector<std::string>& arguments) {
  lore::SourceSpec spec;
  spec.path = arguments.at(0);
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string key = arguments[i].substr(0, arguments[i].find('='));
    const std::string value = arguments[i].substr(std::min(key.size() + 1, arguments[i].size()));
    if (key == "encoding") spec.encoding = value;
    if (key == "sample_by") spec.sample_by = value;
    if (key == "limit") spec.limit = std::stoll(value);
  }
  return spec;
}

void run(const std::vector<std::string>& arguments) {
  const bool counts = arguments.back() == "--count";
  const bool lines = arguments.back() == "--lines";
  const lore::SourceSpec spec = source_of(arguments);
  const long before = peak_memory();
  const auto start = std::chrono::steady_clock::now();
  std::int64_t rows = 0;
  std::int64_t bad = 0;
  if (lines) {
    const auto text = lore::TextCursor::open(spec.path, spec.encoding);
    lore::LineReader reader(*text);
    while (reader.next()) ++rows;
  } else {
    const auto reader = lore::open_rows(spec);
    while (auto read = reader->next()) {
      ++(std::holds_alternative<lore::Row>(*read) ? rows : bad);
      if (!counts) std::cout << line_of(to_json(*read)) << "\n";
    }
  }
  if (counts || lines) {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::cout << ordered_json{{"rows", rows},
                              {"bad", bad},
                              {"seconds", taken.count()},
                              {"rss_growth", peak_memory() - before}}
              << "\n";
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count < 2) {
      std::cerr << "usage: rows_probe PATH [KEY=VALUE]... [--count | --lines]\n";
      return 2;
    }
    run({arguments + 1, arguments + count});
    return 0;
  } catch (const std::exception& error) {
    std::cout << line_of({{"error", error.what()}}) << "\n";
    return 3;
  }
}
