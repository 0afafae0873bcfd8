#include "lore/tasks/base_binding.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/formats/json_file.h"

namespace lore {

std::optional<BaseBinding> read_base_binding(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "lore_manifest.json";
  if (!std::filesystem::exists(file)) {
    return std::nullopt;
  }
  const nlohmann::json manifest = read_json_file(file);
  try {
    const nlohmann::json& base = manifest.at("hashes").at("base");
    if (!base.contains("tensors")) {
      return std::nullopt;
    }
    return BaseBinding{base.at("name").get<std::string>(),
                       {base.at("sha256").get<std::string>(), base.at("tensors").get<std::int64_t>(),
                        base.at("bytes").get<std::int64_t>()}};
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kInput, file.string(),
                "does not name the base's \"name\", \"sha256\", \"tensors\" and \"bytes\" under "
                "\"hashes\": \"base\"");
  }
}

std::string base_difference(const BaseBinding& binding, const std::string& name, const TensorsDigest& base) {
  if (binding.digest == base) {
    return "";
  }
  const std::string made_on = fmt::format("the adapter was made on {} (SHA-256 {})", binding.name,
                                          binding.digest.sha256.substr(0, 16));
  const std::string here = fmt::format("{} (SHA-256 {})", name, base.sha256.substr(0, 16));
  if (binding.digest.tensors != base.tensors) {
    return fmt::format("{}, which has {} tensors; {} has {}", made_on, binding.digest.tensors, here,
                       base.tensors);
  }
  if (binding.digest.bytes != base.bytes) {
    return fmt::format("{}, whose weights take {} bytes; those of {} take {}", made_on, binding.digest.bytes,
                       here, base.bytes);
  }
  return fmt::format("{}; {} has as many tensors and bytes, but other values", made_on, here);
}

}  // namespace lore
