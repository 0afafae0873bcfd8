#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lore/formats/adapter_config.h"
#include "lore/formats/tensors_digest.h"
#include "lore/tasks/merge_proof.h"
#include "lore/tasks/merge_stream.h"
#include "lore/tasks/unmerge.h"

namespace lore {

/// Everything a merge did and found out.
struct MergeReport {
  std::string base_name;
  TensorsDigest base;
  std::string licence;     ///< of the base, empty when it names none
  std::string binding;     ///< "same base", "other base allowed" or "not recorded"; or as check_merged_with
  std::string difference;  ///< of the base from the one the adapter was made on
  std::string adapter_name;
  TensorsDigest adapter;
  nlohmann::ordered_json parts;  ///< of a weighted sum of adapters; else null
  bool subtract = false;
  std::optional<Restoration> restoration;  ///< of a subtraction
  PeftConfig config;
  std::vector<ModuleUpdate> updates;
  std::string dtype;
  bool untied = false;
  std::size_t shards = 1;
  std::optional<MergeProof> proof;      ///< nothing with --no-verify
  std::optional<TensorsDigest> merged;  ///< of the proved weights
  std::vector<std::string> copied;      ///< files taken over from the base
  std::vector<std::string> missing;     ///< what a complete model folder would also have

  /// All updates together.
  RoundedUpdate total() const;
};

/// The share of an update's norm, along the update itself, that is left after rounding; 1 where all of it
/// is, 0 for an update of zeros.
double surviving_share(const RoundedUpdate& update);

/// What lore_merge.json holds and --json prints.
nlohmann::ordered_json to_json(const MergeReport& report);

/// README.md of the merged model.
std::string merged_model_card(const MergeReport& report);

}  // namespace lore
