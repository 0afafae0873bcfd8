#pragma once

#include <filesystem>
#include <future>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lore/formats/tensors_digest.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/training_data.h"

namespace lore {

/// Where an adapter comes from: versions, machine, and hashes of everything that went in. The weights
/// are hashed in the background while the run goes on.
class Provenance {
 public:
  Provenance(const Recipe& recipe, const TrainingData& data, std::string base_name,
             std::vector<std::filesystem::path> weight_files, FileMemo memo);

  /// {"base": {"name", "sha256", "tensors", "bytes"}, "tokenizer_sha256", "chat_template_sha256",
  /// "recipe_sha256", "data": [...]}; waits for the weights' hash.
  nlohmann::ordered_json hashes();

  /// {"lore", "torch", "compiler", "cpu_capability"}.
  static nlohmann::ordered_json versions();

 private:
  const Recipe& recipe_;
  const TrainingData& data_;
  std::string base_name_;
  std::shared_future<TensorsDigest> weights_;
};

}  // namespace lore
