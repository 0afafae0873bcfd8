#pragma once

#include <map>
#include <memory>
#include <string>

#include "lore/nn/decoder_layer.h"
#include "lore/nn/weight_form.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// Loads tensors of a source as one dtype on one device, matrices in one form, and remembers them by name.
class ParameterLoader {
 public:
  ParameterLoader(const WeightSource& source, at::ScalarType dtype, at::Device device, WeightForm form)
      : source_(source), dtype_(dtype), device_(device), form_(form) {}

  /// Throws: Error kInput when the tensor is missing or misshapen.
  at::Tensor vector(const std::string& name, std::int64_t size);
  /// Throws: as `vector`; Error kInput for a value that is not finite and is to be quantized.
  BaseWeight matrix(const std::string& name, std::int64_t out, std::int64_t in);
  Linear linear(const std::string& name, std::size_t index, std::int64_t out, std::int64_t in, bool bias);
  Norm norm(const std::string& name, std::int64_t size, double eps);
  /// Throws: Error kInput when the source holds tensors that nobody asked for.
  void refuse_unused() const;
  /// All that were loaded, by name.
  const std::map<std::string, at::Tensor>& vectors() const { return vectors_; }
  const std::map<std::string, BaseWeight>& matrices() const { return matrices_; }

 private:
  const WeightSource& source_;
  at::ScalarType dtype_;
  at::Device device_;
  WeightForm form_;
  std::map<std::string, at::Tensor> vectors_;
  std::map<std::string, BaseWeight> matrices_;
};

/// One decoder layer; its linears are numbered from 7 * layer. Throws: Error kInput.
std::unique_ptr<DecoderLayer> load_decoder_layer(ParameterLoader& loader, const LlamaConfig& config,
                                                 std::size_t layer);

}  // namespace lore
