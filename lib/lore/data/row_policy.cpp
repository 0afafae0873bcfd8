#include "lore/data/row_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "lore/core/error.h"
#include "lore/corpus/near_duplicates.h"

namespace lore {
namespace {

constexpr std::array<std::string_view, 4> kRepeatNames = {"ignore", "report", "drop", "error"};
constexpr std::array<std::string_view, 4> kPersonalNames = {"ignore", "report", "mask", "error"};
constexpr std::size_t kShown = 5;
constexpr std::size_t kShownOfError = 20;

std::size_t parse(std::span<const std::string_view> names, std::string_view key, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error(
        ErrorKind::kUsage, std::string(key),
        fmt::format("'{}' is not one of {}, {}, {}, {}", name, names[0], names[1], names[2], names[3]));
  }
  return static_cast<std::size_t>(found - names.begin());
}

/// What is counted, and said of rows of one kind.
struct Repeats {
  std::string_view key;
  std::string_view other;
  std::int64_t SourceCounts::*found;
  std::int64_t SourceCounts::*left_out;
};

std::string reason(const DuplicatePair& pair, const std::string& other) {
  return pair.exact ? "says the same as " + other
                    : fmt::format("says nearly the same as {} ({:.0f}% alike)", other, 100 * pair.similarity);
}

void apply(Dataset& train, const Dataset& others, const std::vector<std::int64_t>& rows,
           const std::vector<std::int64_t>& other_rows, const std::vector<DuplicatePair>& pairs,
           const Repeats& repeats, RepeatPolicy policy, Messages& messages) {
  if (pairs.empty()) {
    return;
  }
  const bool drops = policy == RepeatPolicy::kDrop;
  const std::size_t shown = policy == RepeatPolicy::kError ? kShownOfError : kShown;
  std::string first;
  std::vector<std::int64_t> repeated;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::int64_t row = rows[pairs[i].row];
    repeated.push_back(row);
    if (i >= shown && !drops) {
      continue;
    }
    const std::string source = train.row_source(row);
    std::string why = reason(pairs[i], others.row_source(other_rows[pairs[i].other]));
    if (i < shown) {
      first += fmt::format("\n  {}: {}", source, why);
    }
    if (drops) {
      train.left_out.push_back({source, std::move(why)});
    }
  }
  for (const std::size_t group : train.groups(repeated)) {
    ++(train.sources()[train.source_of_row(repeated[group])].*repeats.found);
  }
  if (pairs.size() > shown) {
    first += fmt::format("\n  and {} more", pairs.size() - shown);
  }
  const std::string what = fmt::format(
      "{} the same as {}",
      pairs.size() == 1 ? "1 training row says" : fmt::format("{} training rows say", pairs.size()),
      repeats.other);
  if (policy == RepeatPolicy::kError) {
    throw Error(ErrorKind::kInput, std::string(repeats.key),
                fmt::format("{} (set it to report or drop to go on):{}", what, first));
  }
  messages.warning(drops ? fmt::format("{}; left out:{}", what, first)
                         : fmt::format("{} ({}: drop leaves them out):{}", what, repeats.key, first));
  if (drops) {
    train.take_out(repeated, repeats.left_out);
  }
}

}  // namespace

RepeatPolicy parse_repeat_policy(std::string_view key, std::string_view name) {
  return static_cast<RepeatPolicy>(parse(kRepeatNames, key, name));
}

PersonalDataPolicy parse_personal_data_policy(std::string_view name) {
  return static_cast<PersonalDataPolicy>(parse(kPersonalNames, "data.pii", name));
}

void apply_duplicates(Dataset& train, RepeatPolicy policy, Messages& messages) {
  if (policy == RepeatPolicy::kIgnore) {
    return;
  }
  const std::vector<std::int64_t> rows = train.rows();
  apply(train, train, rows, rows, find_duplicates(train.signatures(rows)),
        {"data.duplicates", "an earlier one", &SourceCounts::duplicates_found, &SourceCounts::duplicates},
        policy, messages);
}

void apply_leakage(Dataset& train, const Dataset& validation, RepeatPolicy policy, Messages& messages) {
  if (policy == RepeatPolicy::kIgnore || validation.count() == 0) {
    return;
  }
  const std::vector<std::int64_t> rows = train.rows();
  const std::vector<std::int64_t> other_rows = validation.rows();
  apply(train, validation, rows, other_rows,
        find_leaks(train.signatures(rows), validation.signatures(other_rows)),
        {"data.leakage", "a validation row", &SourceCounts::leaks_found, &SourceCounts::leaked}, policy,
        messages);
}

}  // namespace lore
