#pragma once

#include <filesystem>

#include "lore/nn/llama_config.h"
#include "lore/tasks/importance.h"

namespace lore {

/// An importance matrix and where it came from.
struct ImportanceFile {
  Importance importance;
  std::string text;         ///< the calibration text that it names, or empty
  std::int64_t tokens = 0;  ///< 0 where it does not say
};

/// Reads an importance matrix of llama.cpp (tools/imatrix), in either form: GGUF ("NAME.in_sum2" and
/// "NAME.counts") or the older ".dat" (int32 counts, names and float32 sums). Every tensor must be one of the
/// model's linears and as wide. Throws: Error kInput for a file that is missing, damaged, empty, of another
/// model, or holds values that are negative or not finite.
ImportanceFile read_importance(const std::filesystem::path& file, const LlamaConfig& config);

/// Writes it for llama-quantize: as ".dat" where the name ends so, else as GGUF.
/// Throws: Error kResources.
void write_importance(const std::filesystem::path& file, const ImportanceFile& importance);

}  // namespace lore
