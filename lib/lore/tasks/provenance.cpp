#include "lore/tasks/provenance.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <nlohmann/json.hpp>

#include "lore/core/sha256.h"
#include "lore/recipe/writer.h"

namespace lore {

Provenance::Provenance(const Recipe& recipe, const TrainingData& data, std::string base_name,
                       std::vector<std::filesystem::path> weight_files, FileMemo memo)
    : recipe_(recipe),
      data_(data),
      base_name_(std::move(base_name)),
      weights_(std::async(std::launch::async, [files = std::move(weight_files), memo = std::move(memo)] {
                 return digest_tensors(files, memo);
               }).share()) {}

nlohmann::ordered_json Provenance::hashes() {
  nlohmann::ordered_json result;
  const TensorsDigest& base = weights_.get();
  result["base"] = {
      {"name", base_name_}, {"sha256", base.sha256}, {"tensors", base.tensors}, {"bytes", base.bytes}};
  result["tokenizer_sha256"] = data_.tokenizer->sha256();
  result["chat_template_sha256"] = data_.chat_template.empty()
                                       ? nlohmann::ordered_json()
                                       : nlohmann::ordered_json(sha256_hex(data_.chat_template));
  result["recipe_sha256"] = sha256_hex(to_yaml(recipe_));
  result["data"] = nlohmann::ordered_json::array();
  for (const auto& [split, dataset] :
       {std::pair{"train", &data_.train}, std::pair{"validation", &data_.validation}}) {
    for (const DataFile& file : dataset->files) {
      result["data"].push_back({{"split", split},
                                {"file", std::filesystem::path(file.path).filename().string()},
                                {"sha256", file.sha256}});
    }
  }
  return result;
}

nlohmann::ordered_json Provenance::versions() {
  return {{"lore", LORE_VERSION},
          {"torch", TORCH_VERSION},
          {"compiler", "g++ " __VERSION__},
          {"cpu_capability", at::get_cpu_capability()}};
}

}  // namespace lore
