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
/// a GGUF file with a byte-level BPE vocabulary, or a sentencepiece one in the form that transformers
/// converts Llama 2's into. They are read back and compared with the metadata's tokenizer on a set of texts;
/// files that would give other ids are not written. Throws: Error kResources.
TokenizerFiles write_gguf_tokenizer(const std::filesystem::path& gguf, const std::filesystem::path& folder);

}  // namespace lore
