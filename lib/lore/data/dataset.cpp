#include "lore/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "lore/core/error.h"
#include "lore/data/sampler.h"

namespace lore {
namespace {

/// The part, of those that begin at `starts`, that holds `number`, and its number there.
std::pair<std::size_t, std::int64_t> locate_in(const std::vector<std::int64_t>& starts, std::int64_t number) {
  const auto after = std::upper_bound(starts.begin(), starts.end(), number);
  const auto part = static_cast<std::size_t>(after - starts.begin()) - 1;
  return {part, number - starts[part]};
}

}  // namespace

void Dataset::append(std::shared_ptr<const TokenCache> cache, SourceCounts counts) {
  const std::int64_t first = caches_.empty() ? 0 : first_example_.back() + caches_.back()->count();
  const std::int64_t last = first + cache->count();
  if (last > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::kUsage, "data", "takes at most 2^32 - 1 examples");
  }
  first_example_.push_back(first);
  first_row_.push_back(caches_.empty() ? 0 : first_row_.back() + caches_.back()->rows());
  const auto before = static_cast<std::ptrdiff_t>(chosen_.size());
  chosen_.resize(chosen_.size() + static_cast<std::size_t>(last - first));
  std::iota(chosen_.begin() + before, chosen_.end(), static_cast<std::uint32_t>(first));
  caches_.push_back(std::move(cache));
  sources_.push_back(std::move(counts));
}

std::pair<std::size_t, std::int64_t> Dataset::locate(std::int64_t i) const {
  if (i < 0 || i >= count()) {
    throw Error(ErrorKind::kInternal, "Dataset", fmt::format("there is no example {}", i));
  }
  return locate_in(first_example_, chosen_[static_cast<std::size_t>(i)]);
}

std::pair<std::size_t, std::int64_t> Dataset::locate_row(std::int64_t row) const {
  return locate_in(first_row_, row);
}

ExampleView Dataset::view(std::int64_t i) const {
  const auto [part, example] = locate(i);
  return caches_[part]->view(example);
}

std::int64_t Dataset::row_of(std::int64_t i) const {
  const auto [part, example] = locate(i);
  return first_row_[part] + caches_[part]->row(example);
}

std::vector<std::int64_t> Dataset::lengths() const {
  std::vector<std::int64_t> lengths;
  lengths.reserve(chosen_.size());
  for (std::int64_t i = 0; i < count(); ++i) {
    const auto [part, example] = locate(i);
    lengths.push_back(caches_[part]->length(example));
  }
  return lengths;
}

std::int64_t Dataset::tokens() const {
  std::int64_t sum = 0;
  for (const SourceCounts& source : sources_) {
    sum += source.tokens;
  }
  return sum;
}

std::int64_t Dataset::trained_tokens() const {
  std::int64_t sum = 0;
  for (const SourceCounts& source : sources_) {
    sum += source.trained_tokens;
  }
  return sum;
}

std::int32_t Dataset::largest_id() const {
  std::int32_t largest = -1;
  for (const auto& cache : caches_) {
    largest = std::max(largest, cache->largest_id());
  }
  return largest;
}

std::vector<std::int64_t> Dataset::rows() const {
  // Counted first: a vector that grows needs up to three times the memory.
  std::size_t count_of_rows = 0;
  std::int64_t last = -1;
  for (std::int64_t i = 0; i < count(); ++i) {
    const std::int64_t row = row_of(i);
    count_of_rows += row != last ? 1 : 0;
    last = row;
  }
  std::vector<std::int64_t> rows;
  rows.reserve(count_of_rows);
  for (std::int64_t i = 0; i < count(); ++i) {
    const std::int64_t row = row_of(i);
    if (rows.empty() || rows.back() != row) {
      rows.push_back(row);
    }
  }
  return rows;
}

bool Dataset::same_file_row(std::int64_t row, std::int64_t other) const {
  const auto [part, number] = locate_row(row);
  const auto [other_part, other_number] = locate_row(other);
  return part == other_part && caches_[part]->same_source(number, other_number);
}

std::vector<std::size_t> Dataset::groups(std::span<const std::int64_t> rows) const {
  std::vector<std::size_t> firsts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || !same_file_row(rows[i - 1], rows[i])) {
      firsts.push_back(i);
    }
  }
  return firsts;
}

std::string Dataset::row_source(std::int64_t row) const {
  const auto [part, number] = locate_row(row);
  return caches_[part]->source(number);
}

SignatureList Dataset::signatures(std::span<const std::int64_t> rows) const {
  std::vector<std::span<const RowSignature>> parts;
  parts.reserve(caches_.size());
  for (const auto& cache : caches_) {
    parts.push_back(cache->signatures());
  }
  return {std::move(parts), rows};
}

Dataset Dataset::take_out(std::span<const std::int64_t> rows, std::int64_t SourceCounts::*counter) {
  Dataset taken;
  taken.caches_ = caches_;
  taken.first_example_ = first_example_;
  taken.first_row_ = first_row_;
  for (const SourceCounts& source : sources_) {
    taken.sources_.emplace_back().path = source.path;
  }
  std::size_t kept = 0;
  auto next = rows.begin();
  for (std::int64_t i = 0; i < count(); ++i) {
    const std::int64_t row = row_of(i);
    next = std::lower_bound(next, rows.end(), row);
    const bool takes = next != rows.end() && *next == row;
    const std::uint32_t example = chosen_[static_cast<std::size_t>(i)];
    if (takes) {
      taken.chosen_.push_back(example);
    } else {
      chosen_[kept++] = example;
    }
  }
  chosen_.resize(kept);
  count_examples(counter);
  taken.count_examples(&SourceCounts::held_out);
  for (SourceCounts& source : taken.sources_) {
    source.rows = source.used;
    source.held_out = 0;
  }
  return taken;
}

void Dataset::count_examples(std::int64_t SourceCounts::*counter) {
  const std::vector<std::int64_t> left = rows();
  std::vector<std::int64_t> used(sources_.size(), 0);
  for (const std::size_t first : groups(left)) {
    ++used[locate_row(left[first]).first];
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    SourceCounts& source = sources_[i];
    source.*counter += source.used - used[i];
    source.used = used[i];
    source.examples = source.tokens = source.trained_tokens = 0;
  }
  for (std::int64_t i = 0; i < count(); ++i) {
    const auto [part, example] = locate(i);
    ++sources_[part].examples;
    sources_[part].tokens += caches_[part]->length(example);
    sources_[part].trained_tokens += caches_[part]->trained(example);
  }
}

Dataset split_validation(Dataset& dataset, double fraction, std::uint64_t seed) {
  const std::vector<std::int64_t> rows = dataset.rows();
  const std::vector<std::size_t> groups = dataset.groups(rows);
  const auto count = static_cast<std::int64_t>(groups.size());
  if (!(fraction > 0 && fraction < 1)) {
    throw Error(ErrorKind::kUsage, "data.validation_fraction",
                fmt::format("{} is not between 0 and 1", fraction));
  }
  if (count < 2) {
    throw Error(ErrorKind::kUsage, "data.validation_fraction",
                fmt::format("{} row(s) cannot be split into training and validation", count));
  }
  const auto wanted = static_cast<std::int64_t>(std::llround(fraction * static_cast<double>(count)));
  const std::int64_t taken = std::clamp<std::int64_t>(wanted, 1, count - 1);
  const Permutation order(count, seed, OrderStream::kSplit, 0);
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < taken; ++i) {
    const auto group = static_cast<std::size_t>(order(i));
    const std::size_t end = group + 1 < groups.size() ? groups[group + 1] : rows.size();
    chosen.insert(chosen.end(), rows.begin() + static_cast<std::ptrdiff_t>(groups[group]),
                  rows.begin() + static_cast<std::ptrdiff_t>(end));
  }
  std::sort(chosen.begin(), chosen.end());
  return dataset.take_out(chosen, &SourceCounts::held_out);
}

}  // namespace lore
