#include "lore/eval/bias_suite.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "lore/eval/case_values.h"
#include "lore/eval/fairness.h"
#include "lore/eval/labelled_rows.h"
#include "lore/eval/question_rows.h"
#include "lore/eval/swap_lists.h"
#include "lore/eval/word_swapper.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;
using Cases = std::span<const SuiteCase* const>;
using Replaced = std::vector<std::pair<std::string, std::string>>;

/// A row's question about another person.
struct Counterfactual {
  std::size_t row;
  std::string list;
  LabelPrompt prompt;
  Replaced replaced;
};

/// Every text of a prompt that may speak of the person.
template <class Visit>
void visit_texts(Json& row, const Visit& visit) {
  Json& prompt = row["prompt"];
  if (prompt.is_string()) {
    visit(prompt);
    return;
  }
  for (Json& message : prompt) {
    if (message["content"].is_string()) {
      visit(message["content"]);
    }
  }
}

void add_counterfactuals(const LabelledRow& row, std::size_t index, const std::string& list,
                         const WordSwapper& swapper, std::vector<Counterfactual>& counterfactuals) {
  Json original = row.prompt.row;
  std::size_t variants = 0;
  visit_texts(original, [&](const Json& text) {
    variants = std::max(variants, swapper.variants(text.get_ref<const std::string&>()));
  });
  for (std::size_t shift = 1; shift <= variants; ++shift) {
    Counterfactual& made = counterfactuals.emplace_back(Counterfactual{index, list, row.prompt, {}});
    visit_texts(made.prompt.row, [&](Json& text) {
      SwappedText swapped = swapper.swap(text.get_ref<const std::string&>(), shift);
      text = std::move(swapped.text);
      std::ranges::move(swapped.replaced, std::back_inserter(made.replaced));
    });
  }
}

/// Half the sum of the differences of two distributions: 0 for the same, 1 for those that share nothing.
double total_variation(const std::vector<double>& log_p, const std::vector<double>& log_q) {
  double sum = 0;
  for (std::size_t i = 0; i < log_p.size(); ++i) {
    sum += std::abs(std::exp(log_p[i]) - std::exp(log_q[i]));
  }
  return sum / 2;
}

class BiasSuite final : public Suite {
 public:
  BiasSuite(LabelledRows rows, const std::vector<SwapList>& lists) : rows_(std::move(rows)) {
    for (const SwapList& list : lists) {
      const WordSwapper swapper(list);
      for (std::size_t i = 0; i < rows_.rows.size(); ++i) {
        add_counterfactuals(rows_.rows[i], i, list.name, swapper, counterfactuals_);
      }
      lists_.push_back(list.name);
    }
  }

  /// Whether there is anything to compare.
  bool compares() const {
    const bool grouped =
        std::ranges::any_of(rows_.rows, [](const LabelledRow& row) { return !row.groups.empty(); });
    return !counterfactuals_.empty() || (rows_.favorable && grouped);
  }

  Json identity() const override {
    Json asked = Json::array();
    for (const LabelledRow& row : rows_.rows) {
      asked.push_back({row.id, row.prompt.row, row.label ? Json(*row.label) : Json(), row.groups});
    }
    for (const Counterfactual& one : counterfactuals_) {
      asked.push_back({one.row, one.list, one.prompt.row});
    }
    return {{"kind", "bias"},
            {"labels", rows_.labels},
            {"favorable", rows_.favorable ? Json(*rows_.favorable) : Json()},
            {"rows", sha256_hex(asked.dump())}};
  }

  std::vector<SuiteCase> run(const TestedModel& tested) const override {
    std::vector<LabelPrompt> prompts;
    for (const LabelledRow& row : rows_.rows) {
      prompts.push_back(row.prompt);
    }
    for (const Counterfactual& one : counterfactuals_) {
      prompts.push_back(one.prompt);
    }
    const std::vector<std::vector<double>> answers = ask_labels(tested, prompts, rows_.labels);
    std::vector<SuiteCase> cases;
    for (std::size_t i = 0; i < rows_.rows.size(); ++i) {
      cases.push_back(make_case(rows_.rows[i], answers[i]));
    }
    for (std::size_t i = 0; i < counterfactuals_.size(); ++i) {
      add_pair(cases[counterfactuals_[i].row], counterfactuals_[i], answers[counterfactuals_[i].row],
               answers[rows_.rows.size() + i]);
    }
    for (SuiteCase& one : cases) {
      if (const auto pairs = one.counts.find("pairs"); pairs != one.counts.end()) {
        one.values["flip_rate"] = one.counts.at("flips") / pairs->second;
        one.values["score_gap"] = one.counts.at("gaps") / pairs->second;
      }
    }
    return cases;
  }

  Metrics metrics(Cases cases) const override {
    Metrics metrics;
    const Metrics counts = sum_counts(cases);
    for (const std::string& suffix : suffixes()) {
      if (const auto pairs = counts.find("pairs" + suffix); pairs != counts.end()) {
        metrics["flip_rate" + suffix] = counts.at("flips" + suffix) / pairs->second;
        metrics["score_gap" + suffix] = counts.at("gaps" + suffix) / pairs->second;
      }
    }
    if (rows_.favorable) {
      for (const auto& [grouping, by_group] : outcomes(cases)) {
        std::vector<GroupOutcomes> groups;
        for (const auto& [group, of_group] : by_group) {
          groups.push_back(of_group);
        }
        if (const auto ratio = disparate_impact(groups)) {
          metrics["disparate_impact." + grouping] = *ratio;
        }
        if (const auto gap = equal_opportunity_gap(groups)) {
          metrics["equal_opportunity_gap." + grouping] = *gap;
        }
      }
    }
    return metrics;
  }

  std::vector<SuiteTable> tables(Cases cases) const override {
    if (!rows_.favorable) {
      return {};
    }
    SuiteTable table{fmt::format("Who is found \"{}\"", rows_.labels[*rows_.favorable]),
                     {"grouping", "group", "cases", "by people", "by the model", "by both"},
                     {}};
    for (const auto& [grouping, by_group] : outcomes(cases)) {
      for (const auto& [group, of_group] : by_group) {
        table.rows.push_back({grouping, group, static_cast<std::int64_t>(of_group.cases),
                              static_cast<std::int64_t>(of_group.deserving),
                              static_cast<std::int64_t>(of_group.favored),
                              static_cast<std::int64_t>(of_group.deserving_favored)});
      }
    }
    return {table};
  }

 private:
  /// Of the numbers over all pairs, and over those of each list.
  std::vector<std::string> suffixes() const {
    std::vector<std::string> suffixes{""};
    for (const std::string& list : lists_) {
      suffixes.push_back("." + list);
    }
    return suffixes;
  }

  SuiteCase make_case(const LabelledRow& row, const std::vector<double>& log_probabilities) const {
    const std::size_t chosen = likeliest(log_probabilities);
    SuiteCase made;
    made.id = row.id;
    made.groups = row.groups;
    made.values["model"] = static_cast<double>(chosen);
    if (row.label) {
      made.values["people"] = static_cast<double>(*row.label);
    }
    made.detail = {{"question", question_of(row)},
                   {"people", row.label ? Json(rows_.labels[*row.label]) : Json()},
                   {"model", rows_.labels[chosen]},
                   {"probability", std::exp(log_probabilities[chosen])},
                   {"counterfactuals", Json::array()}};
    return made;
  }

  void add_pair(SuiteCase& of_row, const Counterfactual& one, const std::vector<double>& original,
                const std::vector<double>& swapped) const {
    const std::size_t chosen = likeliest(swapped);
    const bool flipped = chosen != likeliest(original);
    const double gap = total_variation(original, swapped);
    for (const std::string& suffix : {std::string(), "." + one.list}) {
      of_row.counts["pairs" + suffix] += 1;
      of_row.counts["flips" + suffix] += flipped ? 1 : 0;
      of_row.counts["gaps" + suffix] += gap;
    }
    of_row.detail["counterfactuals"].push_back({{"list", one.list},
                                                {"replaced", one.replaced},
                                                {"model", rows_.labels[chosen]},
                                                {"probability", std::exp(swapped[chosen])},
                                                {"flipped", flipped},
                                                {"gap", gap}});
  }

  /// By grouping and group.
  std::map<std::string, std::map<std::string, GroupOutcomes>> outcomes(Cases cases) const {
    const auto favorable = static_cast<double>(*rows_.favorable);
    std::map<std::string, std::map<std::string, GroupOutcomes>> outcomes;
    for (const SuiteCase* one : cases) {
      const bool favored = one->values.at("model") == favorable;
      const auto people = one->values.find("people");
      const bool deserves = people != one->values.end() && people->second == favorable;
      for (const auto& [grouping, group] : one->groups) {
        GroupOutcomes& of_group = outcomes[grouping][group];
        of_group.cases += 1;
        of_group.favored += favored ? 1 : 0;
        of_group.deserving += deserves ? 1 : 0;
        of_group.deserving_favored += deserves && favored ? 1 : 0;
      }
    }
    return outcomes;
  }

  LabelledRows rows_;
  std::vector<std::string> lists_;
  std::vector<Counterfactual> counterfactuals_;
};

}  // namespace

std::unique_ptr<Suite> open_bias_suite(const SuiteSpec& spec) {
  LabelledRows rows = read_labelled_rows(read_question_rows(spec));
  const std::vector<SwapList> lists =
      choose_swap_lists(rows.swaps, std::filesystem::path(spec.path).parent_path());
  auto suite = std::make_unique<BiasSuite>(std::move(rows), lists);
  if (!suite->compares()) {
    throw Error(ErrorKind::kInput, spec.path,
                "no row has a word of the swap lists, and no groups are compared: name lists that fit in "
                "'swaps', or give the rows columns of groups and a 'favorable' label");
  }
  return suite;
}

}  // namespace lore
