#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lore/eval/suite.h"

namespace lore {

/// What a suite says of a case as HTML. `detail` is an object: texts, numbers, lists and objects under their
/// names. Two names mean more: `highlights`, a list of {"text": .., "kind": "right" | "forbidden"}, marks
/// where those texts stand in the texts beside it; a list of {"text": .., "weight": ..} is shown as a text
/// whose pieces are shaded by their weights, -1 to 1 at most.
std::string detail_html(const nlohmann::ordered_json& detail);

/// A case as a card: what is the same for both models once, the rest base beside adapter, then its values.
/// `adapted` may be null: the base alone. `anchor` is its id in the page.
std::string case_html(const SuiteCase& base, const SuiteCase* adapted, const std::string& anchor);

}  // namespace lore
