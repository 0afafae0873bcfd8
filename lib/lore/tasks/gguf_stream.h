#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lore/formats/gguf_writer.h"
#include "lore/nn/weight_source.h"
#include "lore/tasks/gguf_format.h"
#include "lore/tasks/importance.h"

namespace lore {

/// One tensor of a GGUF file and the model's tensor that it is made of.
struct GgufSourceTensor {
  GgufTensorSpec spec;
  std::string source;        ///< Hugging Face name; empty for rope_freqs.weight
  bool interleaved = false;  ///< rows change places
};

/// A matrix that is stored as another type than its format has for it, because its rows are no whole blocks.
struct GgufFallback {
  std::string tensor;
  GgmlType wanted;
  GgmlType stored;
};

/// The tensors of a GGUF file, in the order of computation.
struct GgufPlan {
  std::vector<GgufSourceTensor> tensors;
  std::vector<GgufFallback> fallbacks;
  std::vector<float> divisors;  ///< rope_freqs.weight
  std::uint64_t bytes = 0;      ///< of all tensors

  std::vector<GgufTensorSpec> specs() const;
};

/// `importance`: whether the tensors will be encoded with any. Throws: Error kInput when the model holds
/// tensors that are not part of its architecture.
GgufPlan plan_gguf(const WeightSource& source, const GgufFormat& format, bool importance);

/// Told of the bytes written so far, and of all.
using GgufProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Writes the planned tensors on all threads, a few megabytes at a time, with what `importance` has. `stop`,
/// asked before every piece, ends it early: then it returns false. Throws: Error kInput naming a tensor with
/// NaN or infinite values; kRefused where a value is too large for the type; kResources.
bool write_gguf_tensors(const GgufPlan& plan, const WeightSource& source, const Importance& importance,
                        GgufWriter& writer, const std::function<bool()>& stop, const GgufProgress& progress);

}  // namespace lore
