#pragma once

#include <filesystem>
#include <memory>

#include "lore/text/tokenizer.h"

namespace lore {

/// The tokenizer in the metadata of a GGUF file: tokenizer.ggml.model "gpt2" (byte-level BPE, split as
/// tokenizer.ggml.pre says) or "llama" (sentencepiece's BPE by scores), as llama.cpp reads them. Control,
/// unknown and user-defined tokens are cut from the text first.
///
/// Where llama.cpp leaves out what the model's own tokenizer does, the model is followed: pre "qwen2"
/// normalizes to NFC. The SHA-256 is of the metadata this depends on.
/// Throws: Error kInput for metadata that is missing or inconsistent, or a model or pre that is not
/// supported.
std::shared_ptr<const Tokenizer> load_gguf_tokenizer(const std::filesystem::path& path);

}  // namespace lore
