#pragma once

#include <map>
#include <memory>
#include <string>

#include "lore/nn/decoder_layer.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// Loads tensors of a source as one dtype on one device, and remembers them by name.
class ParameterLoader {
 public:
  ParameterLoader(const WeightSource& source, at::ScalarType dtype, at::Device device)
      : source_(source), dtype_(dtype), device_(device) {}

  /// Throws: Error kInput when the tensor is missing or misshapen.
  at::Tensor load(const std::string& name, at::IntArrayRef shape);
  Linear linear(const std::string& name, std::size_t index, std::int64_t out, std::int64_t in, bool bias);
  Norm norm(const std::string& name, std::int64_t size, double eps);
  /// Throws: Error kInput when the source holds tensors that nobody asked for.
  void refuse_unused() const;
  /// All that were loaded, by name.
  const std::map<std::string, at::Tensor>& loaded() const { return loaded_; }

 private:
  const WeightSource& source_;
  at::ScalarType dtype_;
  at::Device device_;
  std::map<std::string, at::Tensor> loaded_;
};

/// One decoder layer; its linears are numbered from 7 * layer. Throws: Error kInput.
std::unique_ptr<DecoderLayer> load_decoder_layer(ParameterLoader& loader, const LlamaConfig& config,
                                                 std::size_t layer);

}  // namespace lore
