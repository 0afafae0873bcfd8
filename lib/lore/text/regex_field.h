#pragma once

#include "lore/text/json_fields.h"
#include "lore/text/regex.h"

namespace lore {

/// The field "pattern" of a normalizer, pre-tokenizer or decoder: {"Regex": "..."} or {"String": "..."}.
Regex regex_field(const JsonFields& fields);

}  // namespace lore
