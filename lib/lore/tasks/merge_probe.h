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

/// The default text: prose, a question, numbers and code in several languages.
const std::vector<std::string>& default_probe_lines();

/// Up to 8 sequences of up to 64 tokens: the lines of `file`, or where none is given a default text in
/// several languages, by the tokenizer of the model at `model`; seeded random tokens where it has none.
/// Throws: Error kInput for a file or tokenizer that cannot be read, or ids outside the vocabulary.
MergeProbe make_probe(const std::filesystem::path& model, const std::filesystem::path& file,
                      const LlamaConfig& config);

}  // namespace lore
