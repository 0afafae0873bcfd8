#pragma once

namespace lore {

/// How a model's matrices are held.
enum class Quantization {
  kNone,    ///< as numbers of the model's dtype
  kStored,  ///< as the blocks that a GGUF file holds; what is stored as plain numbers, as those
  kInt8,    ///< int8 with a scale for each row
  kInt4,    ///< 4 bits with a scale for each group in a row
  kNf4      ///< 4-bit NormalFloat with double quantization
};

struct WeightForm {
  Quantization quantization = Quantization::kNone;
  /// Stored blocks are multiplied with activations rounded to int8 where there is a kernel for that, as
  /// llama.cpp does: faster, and not the numbers that the decoded weights would give.
  bool int8_activations = false;
};

}  // namespace lore
