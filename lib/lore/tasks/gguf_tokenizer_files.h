#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lore {

/// The files of a tokenizer made from the metadata of a GGUF file.
struct TokenizerFiles {
  std::vector<std::string> written;
  std::string missing;  ///< why there are none; empty when they were written
};

/// Writes tokenizer.json, tokenizer_config.json (with the chat template) and generation_config.json from
/// a GGUF file with a byte-level BPE vocabulary: they give the ids that the metadata gives. A
/// sentencepiece vocabulary cannot be written exactly and is not.
/// Throws: Error kResources.
TokenizerFiles write_gguf_tokenizer(const std::filesystem::path& gguf, const std::filesystem::path& folder);

}  // namespace lore
