#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lore/data/example.h"
#include "lore/data/example_builder.h"
#include "lore/eval/continuation.h"

namespace lore {

/// The last run of trained tokens of an example, with all tokens before it as context. Where that run begins
/// the example, its first token is context: nothing predicts it.
/// REQUIRES a trained token besides the first, as ExampleBuilder::build gives.
Continuation last_trained_run(const Example& example);

/// An answer to a prompt as the tokens that training would train of it, the end of the turn included.
/// `row` has `prompt`, a text or a list of messages, and what else the chat template uses.
/// Throws: Error kInput, subject `place`.
Continuation answer_continuation(const ExampleBuilder& builder, nlohmann::ordered_json row,
                                 const std::string& answer, const std::string& place);

}  // namespace lore
