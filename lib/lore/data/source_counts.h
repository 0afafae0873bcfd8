#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace lore {

/// What came out of one source. No row is lost:
/// rows = used + held_out + bad + dropped + duplicates + leaked.
struct SourceCounts {
  std::string path;
  std::int64_t rows = 0;        ///< rows read
  std::int64_t used = 0;        ///< rows that gave an example to this data set
  std::int64_t held_out = 0;    ///< rows moved to the validation set (`data.validation_fraction`)
  std::int64_t bad = 0;         ///< rows that cannot be used
  std::int64_t dropped = 0;     ///< rows left out because they are too long (`data.overlong: drop`)
  std::int64_t duplicates = 0;  ///< rows left out because they say the same as another
  std::int64_t leaked = 0;      ///< rows left out because they say the same as a validation row

  std::int64_t examples = 0;        ///< examples of this data set
  std::int64_t tokens = 0;          ///< tokens of the examples
  std::int64_t trained_tokens = 0;  ///< of which are labels
  std::int64_t truncated = 0;       ///< examples cut to the maximum length
  std::int64_t split = 0;           ///< examples cut into several (`data.overlong: split`)
  std::int64_t unlabelled = 0;      ///< pieces of split examples that hold no label and are not trained

  std::int64_t duplicates_found = 0;  ///< rows that say the same as another, left out or not
  std::int64_t leaks_found = 0;       ///< rows that say the same as a validation row, left out or not
  std::int64_t personal = 0;          ///< rows with personal data
  std::string personal_kinds;         ///< "2 phone, 1 email"

  bool operator==(const SourceCounts&) const = default;
};

/// {"path", "rows", ..}: every count by its name.
nlohmann::ordered_json to_json(const SourceCounts& counts);
/// The inverse. Throws: nlohmann::json::exception when a count is missing.
SourceCounts source_counts_from_json(const nlohmann::ordered_json& json);

/// "120 rows, 118 examples, 9000 tokens, 4000 trained, 2 bad": what there is to say, for a person.
std::string describe(const SourceCounts& counts);

}  // namespace lore
