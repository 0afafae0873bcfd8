#include "lore/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>

#include "lore/core/error.h"
#include "lore/corpus/row_form.h"
#include "lore/corpus/row_reader.h"
#include "lore/data/bad_rows.h"
#include "lore/data/sampler.h"

namespace lore {
namespace {

constexpr std::array<std::string_view, 4> kOverlongNames = {"error", "truncate_right", "truncate_left",
                                                            "drop"};

/// What became of one row.
struct Built {
  Example example;
  std::string error;
  bool truncated = false;
  bool dropped = false;
};

class RowBuilder {
 public:
  RowBuilder(const ExampleBuilder& builder, std::int64_t max_length, Overlong overlong)
      : builder_(builder), max_length_(static_cast<std::size_t>(max_length)), overlong_(overlong) {}

  Built build(const Row& row) const {
    Built built;
    try {
      built.example = builder_.build(row.value, row.source);
      if (built.example.ids.size() > max_length_) {
        fit(built);
      }
    } catch (const Error& error) {
      built.error = error.what();
    }
    return built;
  }

 private:
  void fit(Built& built) const {
    Example& example = built.example;
    if (overlong_ == Overlong::kError) {
      throw Error(
          ErrorKind::kInput, example.source,
          fmt::format("has {} tokens, more than data.max_length {}: raise it, shorten the row, or set "
                      "data.overlong to truncate_right, truncate_left or drop",
                      example.ids.size(), max_length_));
    }
    if (overlong_ == Overlong::kDrop) {
      built.dropped = true;
      return;
    }
    const std::size_t excess = example.ids.size() - max_length_;
    const auto cut = [&](auto& values) {
      const auto begin = overlong_ == Overlong::kTruncateLeft
                             ? values.begin()
                             : values.end() - static_cast<std::ptrdiff_t>(excess);
      values.erase(begin, begin + static_cast<std::ptrdiff_t>(excess));
    };
    cut(example.ids);
    cut(example.trained);
    built.truncated = true;
    if (count_trained(example) == 0) {
      throw Error(
          ErrorKind::kInput, example.source,
          fmt::format("has no trained token left in {} of its {} tokens (data.max_length, data.overlong)",
                      max_length_, max_length_ + excess));
    }
  }

  const ExampleBuilder& builder_;
  std::size_t max_length_;
  Overlong overlong_;
};

/// Builds all rows, the results in the rows' order.
std::vector<Built> build_all(const std::vector<Row>& rows, const RowBuilder& builder, int threads) {
  std::vector<Built> results(rows.size());
  std::atomic<std::size_t> next{0};
  const auto count = static_cast<std::size_t>(std::clamp<std::int64_t>(threads, 1, 256));
  std::vector<std::exception_ptr> failures(count);
  const auto work = [&](std::size_t worker) {
    try {
      for (std::size_t i = next++; i < rows.size(); i = next++) {
        results[i] = builder.build(rows[i]);
      }
    } catch (...) {
      failures[worker] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t worker = 1; worker < std::min(count, rows.size()); ++worker) {
      others.emplace_back(work, worker);
    }
    work(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
  return results;
}

}  // namespace

Overlong parse_overlong(std::string_view name) {
  const auto found = std::find(kOverlongNames.begin(), kOverlongNames.end(), name);
  if (found == kOverlongNames.end()) {
    throw Error(ErrorKind::kUsage, "data.overlong",
                fmt::format("'{}' is not one of error, truncate_right, truncate_left, drop", name));
  }
  return static_cast<Overlong>(found - kOverlongNames.begin());
}

ExampleView Dataset::view(std::int64_t i) const {
  const Example& example = examples[static_cast<std::size_t>(i)];
  return {example.ids, example.trained, example.source};
}

std::int64_t Dataset::tokens() const {
  std::int64_t sum = 0;
  for (const Example& example : examples) {
    sum += static_cast<std::int64_t>(example.ids.size());
  }
  return sum;
}

std::int64_t Dataset::trained_tokens() const {
  std::int64_t sum = 0;
  for (const Example& example : examples) {
    sum += count_trained(example);
  }
  return sum;
}

std::vector<std::int64_t> Dataset::lengths() const {
  std::vector<std::int64_t> lengths;
  lengths.reserve(examples.size());
  for (const Example& example : examples) {
    lengths.push_back(static_cast<std::int64_t>(example.ids.size()));
  }
  return lengths;
}

Dataset load_dataset(std::span<const SourceSpec> sources, const ExampleBuilder& builder,
                     std::int64_t max_length, Overlong overlong, int threads) {
  if (max_length < 2) {
    throw Error(ErrorKind::kUsage, "data.max_length", "is at least 2: the first token is never predicted");
  }
  const RowBuilder row_builder(builder, max_length, overlong);
  Dataset dataset;
  BadRows bad_rows;
  for (const SourceSpec& source : sources) {
    const RowForm form(source);
    std::vector<Row> rows;
    const std::unique_ptr<RowReader> reader = open_rows(source);
    while (std::optional<ReadRow> read = reader->next()) {
      if (const BadRow* bad = std::get_if<BadRow>(&*read)) {
        bad_rows.add(bad->source + ": " + bad->why);
        continue;
      }
      for (Row& row : form.apply(std::get<Row>(std::move(*read)))) {
        rows.push_back(std::move(row));
      }
    }
    SourceCounts counts;
    counts.path = source.path;
    counts.rows = static_cast<std::int64_t>(rows.size());
    for (Built& built : build_all(rows, row_builder, threads)) {
      if (!built.error.empty()) {
        bad_rows.add(std::move(built.error));
        continue;
      }
      if (built.dropped) {
        ++counts.dropped;
        continue;
      }
      ++counts.examples;
      counts.truncated += built.truncated ? 1 : 0;
      counts.tokens += static_cast<std::int64_t>(built.example.ids.size());
      counts.trained_tokens += count_trained(built.example);
      dataset.examples.push_back(std::move(built.example));
    }
    dataset.sources.push_back(std::move(counts));
  }
  bad_rows.throw_if_any();
  return dataset;
}

Dataset split_validation(Dataset& dataset, double fraction, std::uint64_t seed) {
  const auto count = static_cast<std::int64_t>(dataset.examples.size());
  if (!(fraction > 0 && fraction < 1)) {
    throw Error(ErrorKind::kUsage, "data.validation_fraction",
                fmt::format("{} is not between 0 and 1", fraction));
  }
  if (count < 2) {
    throw Error(ErrorKind::kUsage, "data.validation_fraction",
                fmt::format("{} example(s) cannot be split into training and validation", count));
  }
  const auto wanted = static_cast<std::int64_t>(std::llround(fraction * static_cast<double>(count)));
  const std::int64_t taken = std::clamp<std::int64_t>(wanted, 1, count - 1);
  std::vector<std::uint8_t> chosen(dataset.examples.size(), 0);
  const std::vector<std::int64_t> order = split_order(count, seed);
  for (std::int64_t i = 0; i < taken; ++i) {
    chosen[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = 1;
  }
  Dataset validation;
  std::vector<Example> kept;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    (chosen[i] != 0 ? validation.examples : kept).push_back(std::move(dataset.examples[i]));
  }
  dataset.examples = std::move(kept);
  return validation;
}

}  // namespace lore
