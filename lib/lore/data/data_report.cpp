#include "lore/data/data_report.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kColumns = {
    CountColumn{"rows", "rows", &SourceCounts::rows, false},
    CountColumn{"examples", "examples", &SourceCounts::examples, true},
    CountColumn{"tokens", "tokens", &SourceCounts::tokens, true},
    CountColumn{"trained_tokens", "trained", &SourceCounts::trained_tokens, true},
    CountColumn{"held_out", "held out", &SourceCounts::held_out, false},
    CountColumn{"bad", "bad", &SourceCounts::bad, false},
    CountColumn{"duplicates", "duplicates", &SourceCounts::duplicates, false},
    CountColumn{"leaked", "leaked", &SourceCounts::leaked, false},
    CountColumn{"dropped", "dropped", &SourceCounts::dropped, false},
    CountColumn{"truncated", "truncated", &SourceCounts::truncated, false},
    CountColumn{"split", "split", &SourceCounts::split, false},
    CountColumn{"unlabelled", "unlabelled", &SourceCounts::unlabelled, false},
};

constexpr std::int64_t kBinsUpToP95 = 10;
constexpr std::size_t kMostBins = 15;

/// 1, 2 or 5 times a power of ten, at least `width`.
std::int64_t round_up(std::int64_t width) {
  for (std::int64_t power = 1;; power *= 10) {
    for (const std::int64_t factor : {1, 2, 5}) {
      if (factor * power >= width) {
        return factor * power;
      }
    }
  }
}

/// Equal bins, and one for the few that are much longer than the rest.
std::vector<LengthBin> choose_bins(const Lengths& lengths) {
  const std::int64_t width = round_up((lengths.p95 + kBinsUpToP95 - 1) / kBinsUpToP95);
  std::vector<LengthBin> bins;
  if (lengths.longest == 0) {
    return bins;
  }
  const std::int64_t first = lengths.shortest / width * width;
  for (std::int64_t from = first; from <= lengths.longest; from += width) {
    bins.push_back({std::max<std::int64_t>(1, from), from + width - 1});
    if (bins.size() == kMostBins) {
      bins.back().to = std::max(bins.back().to, lengths.longest);
      break;
    }
  }
  return bins;
}

Lengths measure(std::vector<std::int64_t> tokens) {
  Lengths lengths;
  if (tokens.empty()) {
    return lengths;
  }
  std::sort(tokens.begin(), tokens.end());
  const auto rank = [&](std::size_t numerator, std::size_t denominator) {
    return tokens[(tokens.size() * numerator + denominator - 1) / denominator - 1];
  };
  lengths.shortest = tokens.front();
  lengths.median = rank(1, 2);
  lengths.p95 = rank(95, 100);
  lengths.longest = tokens.back();
  return lengths;
}

void fill_bins(Lengths& lengths, const std::vector<LengthBin>& bins, std::span<const std::int64_t> tokens) {
  lengths.bins.assign(bins.size(), 0);
  for (const std::int64_t length : tokens) {
    const auto bin = std::find_if(bins.begin(), bins.end(),
                                  [&](const LengthBin& candidate) { return length <= candidate.to; });
    if (bin != bins.end()) {
      ++lengths.bins[static_cast<std::size_t>(bin - bins.begin())];
    }
  }
}

/// The tokens of an epoch.
std::int64_t count_tokens(const BatchPlan& plan, std::span<const std::int64_t> lengths) {
  std::int64_t tokens = 0;
  for (std::int64_t i = 0; i < plan.count(); ++i) {
    const std::vector<std::int64_t> batch = plan.batch(i);
    for (const std::int64_t example : batch) {
      tokens += lengths[static_cast<std::size_t>(example)];
    }
  }
  return tokens;
}

/// The tokens of an epoch whose batches are padded to their longest example.
std::int64_t count_padded_tokens(const BatchPlan& plan, std::span<const std::int64_t> lengths) {
  std::int64_t tokens = 0;
  for (std::int64_t i = 0; i < plan.count(); ++i) {
    const std::vector<std::int64_t> batch = plan.batch(i);
    std::int64_t longest = 0;
    for (const std::int64_t example : batch) {
      longest = std::max(longest, lengths[static_cast<std::size_t>(example)]);
    }
    tokens += longest * static_cast<std::int64_t>(batch.size());
  }
  return tokens;
}

BatchFill fill_batches(std::span<const std::int64_t> lengths, const BatchOptions& options,
                       std::int64_t accumulation_steps) {
  BatchFill fill;
  fill.options = options;
  fill.batches = BatchPlan(lengths, options, 0).count();
  fill.steps = accumulation_steps > 0 ? (fill.batches + accumulation_steps - 1) / accumulation_steps : 0;
  BatchOptions packed = options;
  packed.packing = true;
  packed.group_by_length = false;
  packed.batch_size = 1;
  const BatchPlan packs(lengths, packed, 0);
  const std::int64_t tokens = count_tokens(packs, lengths);
  fill.packs = packs.count();
  if (fill.packs > 0) {
    fill.pack_efficiency = static_cast<double>(tokens) /
                           (static_cast<double>(fill.packs) * static_cast<double>(options.max_length));
  }
  BatchOptions unpacked = options;
  unpacked.packing = false;
  fill.padding_tokens = count_padded_tokens(BatchPlan(lengths, unpacked, 0), lengths) - tokens;
  return fill;
}

Json source_json(const DataReport::Source& source, const std::vector<LengthBin>& bins) {
  Json json;
  for (const CountColumn& column : kColumns) {
    json[column.key] = source.counts.*column.value;
  }
  Json histogram = Json::array();
  for (std::size_t i = 0; i < bins.size(); ++i) {
    histogram.push_back({{"from", bins[i].from}, {"to", bins[i].to}, {"examples", source.lengths.bins[i]}});
  }
  json["lengths"] = {{"shortest", source.lengths.shortest},
                     {"median", source.lengths.median},
                     {"p95", source.lengths.p95},
                     {"longest", source.lengths.longest},
                     {"histogram", histogram}};
  return json;
}

}  // namespace

std::vector<const CountColumn*> shown_columns(const DataReport& report) {
  std::vector<const CountColumn*> columns;
  for (const CountColumn& column : kColumns) {
    if (column.always || report.all.counts.*column.value != 0) {
      columns.push_back(&column);
    }
  }
  return columns;
}

DataReport report_data(std::span<const SourceCounts> sources, std::span<const std::int64_t> lengths,
                       const BatchOptions& options, std::int64_t accumulation_steps) {
  DataReport report;
  report.all.counts.path = "all";
  report.all.lengths = measure({lengths.begin(), lengths.end()});
  report.bins = choose_bins(report.all.lengths);
  fill_bins(report.all.lengths, report.bins, lengths);
  std::size_t begin = 0;
  for (const SourceCounts& counts : sources) {
    const auto part = lengths.subspan(begin, static_cast<std::size_t>(counts.examples));
    DataReport::Source& source = report.sources.emplace_back();
    source.counts = counts;
    source.lengths = measure({part.begin(), part.end()});
    fill_bins(source.lengths, report.bins, part);
    for (const CountColumn& column : kColumns) {
      report.all.counts.*column.value += counts.*column.value;
    }
    begin += part.size();
  }
  report.batches = fill_batches(lengths, options, accumulation_steps);
  return report;
}

nlohmann::ordered_json to_json(const DataReport& report) {
  Json sources = Json::array();
  for (const DataReport::Source& source : report.sources) {
    Json json{{"path", source.counts.path}};
    json.update(source_json(source, report.bins));
    sources.push_back(std::move(json));
  }
  const BatchFill& batches = report.batches;
  return {{"sources", sources},
          {"all", source_json(report.all, report.bins)},
          {"batches",
           {{"batch_size", batches.options.batch_size},
            {"packing", batches.options.packing},
            {"max_length", batches.options.max_length},
            {"micro_batches", batches.batches},
            {"steps_per_epoch", batches.steps},
            {"packs", batches.packs},
            {"pack_efficiency", batches.pack_efficiency},
            {"padding_tokens", batches.padding_tokens}}}};
}

}  // namespace lore
