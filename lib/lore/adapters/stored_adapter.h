#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lore/adapters/base_initialization.h"
#include "lore/formats/adapter_config.h"
#include "lore/formats/safetensors.h"
#include "lore/nn/low_rank.h"
#include "lore/nn/model_parameters.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// The matrices of one module as they lie in an adapter's file.
struct StoredLowRank {
  std::size_t linear;  ///< place among adaptable_modules
  double scale;
  TensorView a;  ///< [r, in]
  TensorView b;  ///< [out, r]
  /// On the embeddings: `a` is PEFT's lora_embedding_B [in, r] and `b` its lora_embedding_A [r, out].
  bool transposed = false;
  std::optional<TensorView> magnitude = std::nullopt;  ///< [out] of DoRA
  std::optional<StartingPair> start = std::nullopt;    ///< what the base lost before training

  /// As it is stored.
  std::int64_t rank() const { return transposed ? a.shape[1] : a.shape[0]; }
};

/// A whole parameter as it lies in an adapter's file.
struct StoredParameter {
  std::string name;  ///< in the base
  TensorView view;
};

/// Gives the base's weight [out, in], in any float dtype, of a module by its place among adaptable_modules.
using WeightOf = std::function<at::Tensor(std::size_t)>;
/// Those that `base`, which must outlive the result, reads from its files, as float32.
WeightOf weights_of(const WeightSource& base);

/// An adapter folder written by PEFT or Lore (adapter_config.json and adapter_model.safetensors), checked
/// against a model and memory-mapped: its matrices are read one at a time.
class StoredAdapter {
 public:
  /// Every matched module must have both matrices with the right shapes, everything that is trained whole
  /// must be there, and no tensor may be left over. Adapted embeddings and an adapted head may bring their
  /// frozen base weight along, as PEFT saves it (`base_copies`).
  ///
  /// An adapter whose configuration says that it stands on what pissa or olora left of the base (PEFT takes
  /// the update out of the base again when it loads it) needs `weight_of`: it is read as the adapter of twice
  /// the rank that does the same on the whole base. Without `weight_of` it is refused.
  /// Throws: Error kInput naming file and tensor.
  static StoredAdapter open(const std::filesystem::path& folder, const LlamaConfig& model,
                            std::vector<std::string>& warnings, const WeightOf& weight_of = nullptr);
  /// The same against a list of linears, for an adapter that is nothing but low-rank updates of them.
  static StoredAdapter open(const std::filesystem::path& folder, std::span<const LinearShape> linears,
                            std::vector<std::string>& warnings);

  /// One without modules: what is merged with it stays as it is.
  static StoredAdapter none() { return {PeftConfig(), SafetensorsFile()}; }

  /// Of the adapter as it is read.
  const PeftConfig& config() const { return config_; }
  /// In the order of adaptable_modules.
  const std::vector<StoredLowRank>& modules() const { return modules_; }
  /// What the adapter brings whole, in the order of the model.
  const std::vector<StoredParameter>& full() const { return full_; }
  /// The copies of the base's own weights that PEFT saves when embeddings or head are adapted.
  const std::vector<StoredParameter>& base_copies() const { return base_copies_; }
  std::filesystem::path weights_file() const { return file_.file()->path(); }

  /// Float32 masters on the CPU, as PEFT's autocast_adapter_dtype makes them of any float dtype.
  /// Throws: Error kInput naming the tensor that holds NaN or infinite values.
  LowRank read(const StoredLowRank& module) const;
  at::Tensor read(const StoredParameter& parameter) const { return read_matrix(parameter.view); }

 private:
  StoredAdapter(PeftConfig config, SafetensorsFile file)
      : config_(std::move(config)), file_(std::move(file)) {}

  static StoredAdapter open_parts(const std::filesystem::path& folder, std::span<const LinearShape> modules,
                                  const LlamaConfig* model, std::vector<std::string>& warnings,
                                  const WeightOf& weight_of);
  at::Tensor read_matrix(const TensorView& view) const;
  void take_start_off(const WeightOf& weight_of);

  PeftConfig config_;
  SafetensorsFile file_;
  std::vector<StoredLowRank> modules_;
  std::vector<StoredParameter> full_;
  std::vector<StoredParameter> base_copies_;
};

}  // namespace lore
