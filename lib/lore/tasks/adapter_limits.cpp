#include "lore/tasks/adapter_limits.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/json_file.h"

namespace lore {
namespace {

/// Keys of adapter_config.json under which more than low-rank pairs is kept.
constexpr std::array kMore{
    "use_dora",   "lora_bias",         "modules_to_save",         "fan_in_fan_out",
    "use_qalora", "target_parameters", "trainable_token_indices", "alora_invocation_tokens",
    "use_bdlora", "layer_replication"};

}  // namespace

void refuse_more_than_lora(const std::filesystem::path& adapter, std::string_view format) {
  const std::filesystem::path path = adapter / "adapter_config.json";
  const nlohmann::json config = read_json_file(path);
  if (!config.is_object()) {
    return;  // the reader of the adapter says what is wrong
  }
  const auto refuse = [&](std::string_view key, const nlohmann::json& value) {
    throw Error(ErrorKind::kRefused, path.string(),
                fmt::format("{} is {}, which {} cannot hold; merge the adapter into its base with lore merge "
                            "instead",
                            key, printable(value.dump()), format));
  };
  for (const char* key : kMore) {
    const nlohmann::json value = config.value(key, nlohmann::json());
    const bool unset = value.is_null() || value == false || (value.is_structured() && value.empty());
    if (!unset) {
      refuse(key, value);
    }
  }
  if (const nlohmann::json bias = config.value("bias", nlohmann::json("none")); bias != "none") {
    refuse("bias", bias);
  }
}

}  // namespace lore
