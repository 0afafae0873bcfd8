#include "lore/formats/adapter_record.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/json_file.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

/// A whole number is written as one, as adapter_config.json has it.
Json number(double value) {
  constexpr double kExact = 9007199254740992.0;
  return std::nearbyint(value) == value && std::abs(value) <= kExact ? Json(static_cast<std::int64_t>(value))
                                                                     : Json(value);
}

Json number(std::int64_t value) { return value; }

template <typename Value>
Json pattern(const std::vector<std::pair<std::string, Value>>& entries) {
  Json object = Json::object();
  for (const auto& [key, value] : entries) {
    object[key] = number(value);
  }
  return object;
}

}  // namespace

Json adapter_record(const PeftConfig& config) {
  return {{"r", config.r},
          {"lora_alpha", number(config.lora_alpha)},
          {"use_rslora", config.use_rslora},
          {"rank_pattern", pattern(config.rank_pattern)},
          {"alpha_pattern", pattern(config.alpha_pattern)}};
}

void check_adapter_record(const std::filesystem::path& folder, const PeftConfig& config) {
  const std::filesystem::path file = folder / "lore_manifest.json";
  if (!std::filesystem::exists(file)) {
    return;
  }
  const Json manifest = read_ordered_json_file(file);
  const auto record = manifest.find("adapter");
  if (record == manifest.end() || !record->is_object()) {
    return;
  }
  const Json now = adapter_record(config);
  for (const auto& [key, value] : now.items()) {
    const auto recorded = record->find(key);
    if (recorded != record->end() && *recorded != value) {
      throw Error(
          ErrorKind::kInput, (folder / "adapter_config.json").string(),
          fmt::format("{} is {}, but the adapter was saved with {} (lore_manifest.json); put it back, or "
                      "delete lore_manifest.json if the change is meant",
                      key, printable(value.dump()), printable(recorded->dump())));
    }
  }
}

}  // namespace lore
