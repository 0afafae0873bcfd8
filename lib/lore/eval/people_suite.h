#pragma once

#include <memory>

#include "lore/eval/suite.h"
#include "lore/recipe/specs.h"

namespace lore {

/// Kind `people`: does the model give the labels that people gave? Its label is the likeliest
/// (label_log_probabilities). Metrics: agreement, kappa, calibration_error, precision_macro, recall_macro,
/// f1_macro, and precision, recall, f1 of the positive label where the rows name one. A report shows the
/// confusion matrix, confidence beside agreement, and of the first `explained_cases` which clauses of the
/// question drove the label: by how much its log-probability falls when one is left out.
/// Throws: Error kInput with the place of a bad row.
std::unique_ptr<Suite> open_people_suite(const SuiteSpec& spec);

}  // namespace lore
