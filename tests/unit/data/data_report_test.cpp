#include "lore/data/data_report.h"

#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "lore/data/report_text.h"
#include "lore/data/visible_text.h"
#include "support/catch.h"

namespace {

struct Data {
  std::vector<lore::SourceCounts> sources;
  std::vector<std::int64_t> lengths;
};

/// Adds a source of examples of these lengths, half of each trained.
void add_source(Data& data, const std::string& path, const std::vector<std::int64_t>& lengths) {
  lore::SourceCounts counts;
  counts.path = path;
  for (const std::int64_t length : lengths) {
    ++counts.rows;
    ++counts.examples;
    counts.tokens += length;
    counts.trained_tokens += length / 2;
    data.lengths.push_back(length);
  }
  data.sources.push_back(counts);
}

lore::DataReport report_of(const Data& data, const lore::BatchOptions& options, std::int64_t accumulation) {
  return lore::report_data(data.sources, data.lengths, options, accumulation);
}

lore::BatchOptions batches(std::int64_t size, std::int64_t max_length, bool packing) {
  lore::BatchOptions options;
  options.batch_size = size;
  options.max_length = max_length;
  options.packing = packing;
  options.shuffle = false;
  return options;
}

Data two_sources() {
  Data dataset;
  add_source(dataset, "/data/a.jsonl", {10, 20, 30, 40});
  add_source(dataset, "/data/风控.jsonl", {4, 100});
  return dataset;
}

}  // namespace

TEST_CASE("a report counts each source and all together") {
  const lore::DataReport report = report_of(two_sources(), batches(2, 100, false), 2);
  REQUIRE(report.sources.size() == 2);
  CHECK(report.sources[0].counts.trained_tokens == 50);
  CHECK(report.sources[0].lengths.shortest == 10);
  CHECK(report.sources[0].lengths.median == 20);
  CHECK(report.sources[0].lengths.p95 == 40);
  CHECK(report.sources[1].lengths.longest == 100);
  CHECK(report.all.counts.examples == 6);
  CHECK(report.all.counts.tokens == 204);
  CHECK(report.all.lengths.median == 20);
}

TEST_CASE("batches, packs and padding are counted as they would be") {
  const lore::DataReport report = report_of(two_sources(), batches(2, 100, false), 2);
  CHECK(report.batches.batches == 3);
  CHECK(report.batches.steps == 2);
  CHECK(report.batches.packs == 3);  // 100 | 40 30 20 10 | 4
  CHECK(report.batches.pack_efficiency == Approx(204.0 / 300));
  CHECK(report.batches.padding_tokens == 10 + 10 + 96);
  const lore::DataReport packed = report_of(two_sources(), batches(2, 100, true), 1);
  CHECK(packed.batches.batches == 2);
  CHECK(packed.batches.padding_tokens == 116);
}

TEST_CASE("every example is in one bin of the histogram, also of lengths that differ widely") {
  for (const std::vector<std::int64_t>& lengths :
       {std::vector<std::int64_t>{1}, {2, 2, 2}, {1, 100000}, {3, 17, 18, 19, 20, 21, 999, 1000, 5000}}) {
    Data dataset;
    add_source(dataset, "a", lengths);
    const lore::DataReport report = report_of(dataset, batches(1, 100000, false), 1);
    const std::vector<std::int64_t>& bins = report.all.lengths.bins;
    CHECK(std::accumulate(bins.begin(), bins.end(), std::int64_t{0}) ==
          static_cast<std::int64_t>(lengths.size()));
    CHECK(report.bins.size() == bins.size());
    CHECK(report.bins.size() <= 15);
    CHECK(report.bins.back().to >= report.all.lengths.longest);
    for (std::size_t i = 1; i < report.bins.size(); ++i) {
      CHECK(report.bins[i].from == report.bins[i - 1].to + 1);
    }
  }
}

TEST_CASE("rows that were not used are counted where there are any") {
  Data data = two_sources();
  CHECK(lore::report_text(report_of(data, batches(4, 100, false), 0)).find("duplicates") ==
        std::string::npos);
  data.sources[1].duplicates = 3;
  const lore::DataReport report = report_of(data, batches(4, 100, false), 0);
  CHECK(report.all.counts.duplicates == 3);
  CHECK(report.batches.steps == 0);
  CHECK(lore::report_text(report).find("duplicates") != std::string::npos);
}

TEST_CASE("nothing at all can be reported, too") {
  const lore::DataReport report = report_of({}, batches(4, 100, true), 1);
  CHECK(report.all.counts.examples == 0);
  CHECK(report.bins.empty());
  CHECK(lore::report_text(report).find("0 packs") != std::string::npos);
}

TEST_CASE("the report is aligned in 80 columns, Chinese names too") {
  Data dataset = two_sources();
  dataset.sources[0].truncated = 3;
  dataset.sources[0].path = "/a/very/long/path/that/does/not/fit/beside/the/numbers/of/its/own/rows/a.jsonl";
  const std::string text = lore::report_text(report_of(dataset, batches(2, 100, false), 1));
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    CHECK(lore::display_width(line) <= 80);
    lines.push_back(line);
  }
  CHECK(lines[0].ends_with("rows  examples  tokens  trained  truncated  share"));
  CHECK(lines[1].find("…") == 0);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(lore::display_width(lines[i]) == lore::display_width(lines[0]));
  }
}

TEST_CASE("bars and sparklines show the smallest count and never more than their room") {
  CHECK(lore::block_bar(0) == "");
  CHECK(lore::block_bar(3) == "▍");
  CHECK(lore::block_bar(16) == "██");
  CHECK(lore::block_bar(17) == "██▏");
  CHECK(lore::sparkline(std::vector<std::int64_t>{0, 1, 50, 100}) == " ▁▄█");
  CHECK(lore::sparkline({}) == "");
  CHECK(lore::sparkline(std::vector<std::int64_t>{0, 0}) == "  ");
}

TEST_CASE("the report is one JSON object") {
  const nlohmann::ordered_json json = lore::to_json(report_of(two_sources(), batches(2, 100, false), 1));
  CHECK(json["sources"][1]["path"] == "/data/风控.jsonl");
  CHECK(json["sources"][1]["examples"] == 2);
  CHECK(json["all"]["trained_tokens"] == 102);
  CHECK(json["all"]["truncated"] == 0);
  CHECK(json["all"]["lengths"]["p95"] == 100);
  CHECK(json["batches"]["packs"] == 3);
}
