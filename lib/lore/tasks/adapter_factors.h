#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lore/formats/adapter_config.h"
#include "lore/formats/safetensors.h"
#include "lore/tasks/inspection.h"

namespace lore {

/// The factors of one module, as an adapter's file has them.
struct FactorPair {
  std::string module;
  int layer = -1;  ///< -1 for a module outside the decoder layers
  const TensorView* a = nullptr;
  const TensorView* b = nullptr;
  std::optional<double> scale;  ///< nothing where the configuration does not say

  std::int64_t rank() const { return a->shape[0]; }
  std::int64_t in() const { return a->shape[1]; }
  std::int64_t out() const { return b->shape[0]; }
};

/// An adapter folder seen by itself, without the model it belongs to.
struct AdapterFactors {
  std::optional<PeftConfig> config;  ///< nothing where it cannot be read
  std::optional<SafetensorsFile> file;
  std::vector<FactorPair> modules;        ///< the pairs that fit together, in the order of a model
  std::vector<const TensorView*> others;  ///< tensors that are no factors

  /// Reads what can be read; everything wrong is put down in `findings`.
  static AdapterFactors open(const std::filesystem::path& folder, Inspection& findings);
};

/// A factor as float32 on the CPU.
at::Tensor read_factor(const TensorView& view);

/// The place of a leaf name, such as q_proj, in the order that a layer computes; unknown ones come last.
int order_of_leaf(std::string_view leaf);

}  // namespace lore
