#include "lore/text/regex_field.h"

#include "lore/core/error.h"

namespace lore {

Regex regex_field(const JsonFields& fields) {
  JsonFields pattern(fields.at("pattern"), fields.subject() + ".pattern");
  if (pattern.find("Regex") == nullptr) return Regex::literal(pattern.text("String"));
  try {
    return Regex::pattern(pattern.text("Regex"));
  } catch (const Error& error) {
    throw error.within(pattern.subject());
  }
}

}  // namespace lore
