#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "lore/tasks/calibration.h"
#include "lore/tasks/quantized_folder.h"

namespace lore {

/// Codes of W [out, in] that keep W x on inputs x with the second moments `hessian` = sum x x^T [in, in],
/// float32: columns are rounded one after another, the most important first ("act-order"), and what each
/// loses is made good in those still to come. Scales are fitted before, group by group of columns as they
/// lie, so that no order of columns need be stored. Both tensors are consumed. Source: Frantar et al., GPTQ,
/// arXiv:2210.17323.
IntMatrix gptq(at::Tensor weight, at::Tensor hessian, const IntFormat& format, std::int64_t group,
               DType scale_dtype);

/// Codes for all linears of a model, asked for in the order of computation: each layer sees what the layers
/// before it, as they were quantized, make of the calibration texts.
class GptqQuantizer {
 public:
  /// All arguments must outlive it.
  GptqQuantizer(const WeightSource& source, const TokenSequences& sequences, const IntFormat& format,
                DType scale_dtype);
  ~GptqQuantizer();

  IntMatrix operator()(const FolderTensor& tensor);

 private:
  class Overlay;

  void begin_layer(std::size_t layer);

  const WeightSource& source_;
  const IntFormat& format_;
  DType scale_dtype_;
  std::unique_ptr<Overlay> overlay_;
  LayeredModel model_;
  std::map<std::string, std::pair<std::size_t, std::size_t>> places_;  ///< layer and linear, by tensor
  std::optional<std::size_t> layer_;                                   ///< that is worked on
  std::map<std::size_t, at::Tensor> hessians_;                         ///< of it, by linear: 0, 3, 4, 6
};

}  // namespace lore
