#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lore/nn/decoder_layer.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// Loads tensors of a source as one dtype on one device, and remembers which ones were asked for.
class ParameterLoader {
 public:
  ParameterLoader(const WeightSource& source, at::ScalarType dtype, at::Device device)
      : source_(source), dtype_(dtype), device_(device) {}

  /// Throws: Error kInput when the tensor is missing or misshapen.
  at::Tensor load(const std::string& name, at::IntArrayRef shape);
  Linear linear(const std::string& name, std::size_t index, std::int64_t out, std::int64_t in, bool bias);
  /// Throws: Error kInput when the source holds tensors that nobody asked for.
  void refuse_unused() const;

 private:
  const WeightSource& source_;
  at::ScalarType dtype_;
  at::Device device_;
  std::vector<std::string> used_;
};

/// One decoder layer; its linears are numbered from 7 * layer. Throws: Error kInput.
std::unique_ptr<DecoderLayer> load_decoder_layer(ParameterLoader& loader, const LlamaConfig& config,
                                                 std::size_t layer);

}  // namespace lore
