#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lore/formats/gguf_metadata.h"

namespace lore {

/// A tokenizer as the metadata of a GGUF file describes it; names as in llama.cpp.
struct GgufVocabulary {
  std::string model;  ///< "gpt2" (byte-level BPE) or "llama" (sentencepiece's BPE)
  std::string pre;    ///< how text is split
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;  ///< 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
  std::vector<float> scores;        ///< of "llama": what is merged first
  std::vector<std::string> merges;  ///< of "gpt2": "left right", in order
  std::optional<std::int32_t> bos, eos, unk, pad, eot;
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = false;  ///< of "llama"
  /// Chat templates with their names; the main one is "default".
  std::vector<std::pair<std::string, std::string>> templates;

  void write(GgufMetadata& metadata) const;
};

/// Describes the tokenizer of a Hugging Face folder (tokenizer.json or tokenizer.model, and the files beside
/// them) for a model with `vocab_size` embeddings; ids without a token become unused ones. A token that ends
/// an answer besides `eos` is looked for among `stop_ids`.
/// Throws: Error kInput when the folder has no tokenizer, or one that llama.cpp cannot follow: the part is
/// named. What is lost without changing the ids of plain text goes to `warnings`.
GgufVocabulary read_gguf_vocabulary(const std::filesystem::path& folder, std::int64_t vocab_size,
                                    const std::vector<std::int64_t>& stop_ids,
                                    std::vector<std::string>& warnings);

}  // namespace lore
