#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lore/formats/adapter_config.h"
#include "lore/formats/safetensors_writer.h"
#include "lore/nn/low_rank.h"
#include "lore/nn/model_parameters.h"

namespace lore {

/// Writes the two files of a PEFT LoRA adapter without a model at hand, one module at a time.
class AdapterWriter {
 public:
  /// One module that will be written.
  struct Module {
    LinearShape linear;
    std::int64_t rank;
  };

  /// Writes adapter_config.json into the existing `folder` and lays out adapter_model.safetensors (float32).
  /// Throws: Error kResources.
  AdapterWriter(const std::filesystem::path& folder, const PeftConfig& config,
                const std::vector<Module>& modules);

  /// A [r, in] and B [out, r], float32, written under PEFT's names for a linear or the embeddings; the scale
  /// is the configuration's to tell. Throws: Error kResources.
  void write(std::size_t module, const LowRank& low_rank);
  /// Flushes to disk. Throws: Error kResources.
  void finish() { file_.flush(); }

 private:
  std::vector<Module> modules_;
  SafetensorsWriter file_;
};

/// Names for target_modules that match exactly `adapted` of the linears `all`: their leaf names where these
/// say enough, else the full ones. Sorted.
std::vector<std::string> exact_targets(std::span<const std::string> adapted,
                                       std::span<const std::string> all);

}  // namespace lore
