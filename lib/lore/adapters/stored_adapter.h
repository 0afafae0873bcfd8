#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lore/formats/adapter_config.h"
#include "lore/formats/safetensors.h"
#include "lore/nn/low_rank.h"
#include "lore/nn/model_parameters.h"

namespace lore {

/// The two matrices of one module as they lie in an adapter's file.
struct StoredLowRank {
  std::size_t linear;  ///< place in the list of linears the adapter was opened for
  double scale;
  TensorView a;  ///< [r, in]
  TensorView b;  ///< [out, r]
};

/// An adapter folder written by PEFT or Lore (adapter_config.json and adapter_model.safetensors), checked
/// against the linears of a model and memory-mapped: its matrices are read one at a time.
class StoredAdapter {
 public:
  /// Every matched module must have both matrices with the right shapes, and no tensor may be left over.
  /// A matched output head may bring its frozen base weight along, as PEFT saves it (`head_base`).
  /// Throws: Error kInput naming file and tensor.
  static StoredAdapter open(const std::filesystem::path& folder, std::span<const LinearShape> linears,
                            std::vector<std::string>& warnings);

  /// One without modules: what is merged with it stays as it is.
  static StoredAdapter none() { return {PeftConfig(), SafetensorsFile()}; }

  const PeftConfig& config() const { return config_; }
  /// In the order of the linears.
  const std::vector<StoredLowRank>& modules() const { return modules_; }
  /// The copy of the head's own weight that PEFT saves when the head is adapted; null where there is none.
  const TensorView* head_base() const { return file_.find("base_model.model.lm_head.base_layer.weight"); }
  std::filesystem::path weights_file() const { return file_.file()->path(); }

  /// Float32 masters on the CPU, as PEFT's autocast_adapter_dtype makes them of any float dtype.
  /// Throws: Error kInput naming the tensor that holds NaN or infinite values.
  LowRank read(const StoredLowRank& module) const;

 private:
  StoredAdapter(PeftConfig config, SafetensorsFile file)
      : config_(std::move(config)), file_(std::move(file)) {}

  at::Tensor read_matrix(const TensorView& view) const;

  PeftConfig config_;
  SafetensorsFile file_;
  std::vector<StoredLowRank> modules_;
};

}  // namespace lore
