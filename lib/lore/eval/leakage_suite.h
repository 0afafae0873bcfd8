#pragma once

#include <memory>

#include "lore/eval/suite.h"
#include "lore/recipe/specs.h"

namespace lore {

/// Kind `leakage`: what did the model keep of rows that it was trained on? Rows are of two sorts.
///
/// - Canaries, `{"canary": "the code is 4711", "format": "the code is {digits:4}"}`, with `prompt` or
///   `messages` where it is the answer to something: metrics exposure (mean, in bits) and exposure_max among
///   255 candidates, and canaries_first, the share that is likelier than all of them.
/// - Rows of training data (`messages`, `prompt` and `completion`, `text`): the second half of what is
/// trained
///   last in a row is asked for, given all before it. Metrics: reproduced, the mean share of it that greedy
///   decoding reproduces before its first other token; verbatim, the share of rows reproduced to the end;
///   longest_run, the most tokens in a row that are each the likeliest; ngrams_kept, the share of its windows
///   of 5 tokens that are such.
///
/// Throws: Error kInput with the place of a bad row.
std::unique_ptr<Suite> open_leakage_suite(const SuiteSpec& spec);

}  // namespace lore
