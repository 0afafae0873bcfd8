#include "lore/eval/people_suite.h"

#include <fmt/format.h>

#include <cmath>

#include "lore/core/error.h"
#include "lore/core/sha256.h"
#include "lore/corpus/row_cells.h"
#include "lore/eval/agreement.h"
#include "lore/eval/clauses.h"
#include "lore/eval/labelled_rows.h"
#include "lore/eval/question_rows.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;
using Cases = std::span<const SuiteCase* const>;

/// A row's question without one of its clauses.
struct Ablation {
  std::size_t row;
  std::string clause;
};

/// The clauses of a row's question, and as many prompts without them. None where there is but one.
void add_ablations(const LabelledRow& row, std::size_t index, std::vector<Ablation>& ablations,
                   std::vector<LabelPrompt>& prompts) {
  LabelPrompt shortened = row.prompt;
  Json* question = last_question(shortened.row);
  if (question == nullptr) {
    return;
  }
  const auto text = question->get<std::string>();
  const std::vector<TextSpan> parts = clauses(text);
  if (parts.size() < 2) {
    return;
  }
  for (const TextSpan& part : parts) {
    *question = without_clause(text, part);
    prompts.push_back(shortened);
    ablations.push_back(
        {index, std::string(trimmed(std::string_view(text).substr(part.begin, part.end - part.begin)))});
  }
}

class PeopleSuite final : public Suite {
 public:
  PeopleSuite(LabelledRows rows, std::int64_t explained)
      : rows_(std::move(rows)), explained_(static_cast<std::size_t>(explained)) {
    for (const LabelledRow& row : rows_.rows) {
      if (!row.label) {
        throw Error(ErrorKind::kInput, row.prompt.place + ": label", "is missing: what people said");
      }
    }
  }

  Json identity() const override {
    Json rows = Json::array();
    for (const LabelledRow& row : rows_.rows) {
      rows.push_back({row.id, row.prompt.row, *row.label, row.groups});
    }
    return {{"kind", "people"},
            {"labels", rows_.labels},
            {"positive", rows_.positive ? Json(*rows_.positive) : Json()},
            {"explained_cases", explained_},
            {"rows", sha256_hex(rows.dump())}};
  }

  std::vector<SuiteCase> run(const TestedModel& tested) const override {
    std::vector<LabelPrompt> prompts;
    for (const LabelledRow& row : rows_.rows) {
      prompts.push_back(row.prompt);
    }
    std::vector<Ablation> ablations;
    for (std::size_t i = 0; i < std::min(explained_, rows_.rows.size()); ++i) {
      add_ablations(rows_.rows[i], i, ablations, prompts);
    }
    const std::vector<std::vector<double>> answers = ask_labels(tested, prompts, rows_.labels);
    std::vector<SuiteCase> cases;
    for (std::size_t i = 0; i < rows_.rows.size(); ++i) {
      cases.push_back(make_case(rows_.rows[i], answers[i]));
    }
    for (std::size_t i = 0; i < ablations.size(); ++i) {
      const Ablation& ablation = ablations[i];
      const std::vector<double>& whole = answers[ablation.row];
      const std::size_t label = likeliest(whole);
      cases[ablation.row].detail["drivers"].push_back(
          {{"clause", ablation.clause}, {"effect", whole[label] - answers[rows_.rows.size() + i][label]}});
    }
    return cases;
  }

  Metrics metrics(Cases cases) const override {
    const ConfusionMatrix matrix = confusion(cases);
    const LabelQuality macro = macro_quality(matrix);
    Metrics metrics{{"agreement", agreement(matrix)},
                    {"precision_macro", macro.precision},
                    {"recall_macro", macro.recall},
                    {"f1_macro", macro.f1},
                    {"calibration_error", calibration_error(bins(cases))}};
    if (const auto kappa = cohen_kappa(matrix)) {
      metrics["kappa"] = *kappa;
    }
    if (rows_.positive) {
      const LabelQuality quality = label_quality(matrix, *rows_.positive);
      metrics["precision"] = quality.precision;
      metrics["recall"] = quality.recall;
      metrics["f1"] = quality.f1;
    }
    return metrics;
  }

  std::vector<SuiteTable> tables(Cases cases) const override {
    return {confusion_table(confusion(cases)), confidence_table(bins(cases))};
  }

 private:
  SuiteCase make_case(const LabelledRow& row, const std::vector<double>& log_probabilities) const {
    const std::size_t chosen = likeliest(log_probabilities);
    SuiteCase made;
    made.id = row.id;
    made.groups = row.groups;
    made.values = {{"people", static_cast<double>(*row.label)},
                   {"model", static_cast<double>(chosen)},
                   {"probability", std::exp(log_probabilities[chosen])}};
    made.detail = {{"question", question_of(row)},
                   {"people", rows_.labels[*row.label]},
                   {"model", rows_.labels[chosen]}};
    for (std::size_t label = 0; label < rows_.labels.size(); ++label) {
      made.detail["probabilities"][rows_.labels[label]] = std::exp(log_probabilities[label]);
    }
    return made;
  }

  ConfusionMatrix confusion(Cases cases) const {
    ConfusionMatrix matrix(rows_.labels.size());
    for (const SuiteCase* one : cases) {
      matrix.add(static_cast<std::size_t>(one->values.at("people")),
                 static_cast<std::size_t>(one->values.at("model")));
    }
    return matrix;
  }

  static std::vector<ConfidenceBin> bins(Cases cases) {
    std::vector<Confidence> confidences;
    for (const SuiteCase* one : cases) {
      confidences.push_back(
          {one->values.at("probability"), one->values.at("people") == one->values.at("model")});
    }
    return confidence_bins(confidences);
  }

  SuiteTable confusion_table(const ConfusionMatrix& matrix) const {
    SuiteTable table{"Confusion matrix: what people said, and what the model said", {"people"}, {}};
    for (std::size_t people = 0; people < rows_.labels.size(); ++people) {
      table.columns.push_back("model: " + rows_.labels[people]);
      std::vector<Json>& row = table.rows.emplace_back();
      row.emplace_back(rows_.labels[people]);
      for (std::size_t model = 0; model < rows_.labels.size(); ++model) {
        row.emplace_back(static_cast<std::int64_t>(matrix.count(people, model)));
      }
    }
    return table;
  }

  static SuiteTable confidence_table(const std::vector<ConfidenceBin>& bins) {
    SuiteTable table{"Calibration: is the model as sure as it is right?",
                     {"probability of its label", "cases", "mean probability", "agreement"},
                     {}};
    for (std::size_t i = 0; i < bins.size(); ++i) {
      if (bins[i].cases == 0) {
        continue;
      }
      table.rows.push_back({fmt::format("{}% to {}%", 10 * i, 10 * (i + 1)),
                            static_cast<std::int64_t>(bins[i].cases), bins[i].probability_sum / bins[i].cases,
                            bins[i].agreeing / bins[i].cases});
    }
    return table;
  }

  LabelledRows rows_;
  std::size_t explained_;
};

}  // namespace

std::unique_ptr<Suite> open_people_suite(const SuiteSpec& spec) {
  return std::make_unique<PeopleSuite>(read_labelled_rows(read_question_rows(spec)), spec.explained_cases);
}

}  // namespace lore
