#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lore/nn/llama_config.h"

namespace lore {

/// The token sequences on which a merged model is compared with its base + adapter.
struct MergeProbe {
  std::string source;  ///< "default text", a file's name, or "random tokens"
  std::vector<std::vector<std::int32_t>> sequences;

  std::int64_t tokens() const;
};

/// Up to 8 sequences of up to 64 tokens: the lines of `file`, or where none is given a default text in
/// several languages, by the tokenizer of the model at `model`; seeded random tokens where it has none
/// that can be read and no file is given.
/// Throws: Error kInput for a file that cannot be read or tokenized.
MergeProbe make_probe(const std::filesystem::path& model, const std::filesystem::path& file,
                      const LlamaConfig& config);

}  // namespace lore
