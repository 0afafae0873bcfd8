#include "lore/data/source_counts.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace lore {
namespace {

struct Count {
  const char* key;
  const char* words;  ///< nullptr where the number is not shown to a person
  std::int64_t SourceCounts::*value;
  bool always = false;
};

constexpr Count kCounts[] = {
    {"rows", "rows", &SourceCounts::rows, true},
    {"used", nullptr, &SourceCounts::used},
    {"held_out", "held out for validation", &SourceCounts::held_out},
    {"examples", "examples", &SourceCounts::examples, true},
    {"tokens", "tokens", &SourceCounts::tokens, true},
    {"trained_tokens", "trained", &SourceCounts::trained_tokens, true},
    {"truncated", "truncated", &SourceCounts::truncated},
    {"split", "split", &SourceCounts::split},
    {"unlabelled", "pieces without labels", &SourceCounts::unlabelled},
    {"bad", "bad rows left out", &SourceCounts::bad},
    {"dropped", "dropped as too long", &SourceCounts::dropped},
    {"duplicates_found", "duplicates", &SourceCounts::duplicates_found},
    {"duplicates", "left out as duplicates", &SourceCounts::duplicates},
    {"leaks_found", "also in validation", &SourceCounts::leaks_found},
    {"leaked", "left out as in validation", &SourceCounts::leaked},
    {"personal", "with personal data", &SourceCounts::personal},
};

}  // namespace

nlohmann::ordered_json to_json(const SourceCounts& counts) {
  nlohmann::ordered_json json{{"path", counts.path}};
  for (const Count& count : kCounts) {
    json[count.key] = counts.*count.value;
  }
  json["personal_kinds"] = counts.personal_kinds;
  return json;
}

SourceCounts source_counts_from_json(const nlohmann::ordered_json& json) {
  SourceCounts counts;
  counts.path = json.at("path").get<std::string>();
  for (const Count& count : kCounts) {
    counts.*count.value = json.at(count.key).get<std::int64_t>();
  }
  counts.personal_kinds = json.at("personal_kinds").get<std::string>();
  return counts;
}

std::string describe(const SourceCounts& counts) {
  std::string text;
  for (const Count& count : kCounts) {
    if (count.words != nullptr && (count.always || counts.*count.value != 0)) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts.*count.value, count.words);
    }
  }
  return text;
}

}  // namespace lore
