#pragma once

#include <filesystem>
#include <memory>

#include "lore/text/tokenizer.h"

namespace lore {

/// Loads what AutoTokenizer.from_pretrained(`path`) of transformers 4.57.6 loads, always its fast tokenizer.
/// `path` is a folder, a tokenizer.json or a tokenizer.model; files beside it count in each case.
///
/// - tokenizer.json is followed literally, but for what the class's constructor changes: LlamaTokenizer puts
///   its own template in place of the post-processor (add_bos_token, add_eos_token); a ByteLevel
///   pre-tokenizer takes add_prefix_space from tokenizer_config.json (false when missing); special tokens
///   that are named but not there are added; a LlamaTokenizer whose configuration names add_prefix_space is
///   made from tokenizer.model when that is there. Its truncation and padding do not count.
/// - tokenizer.model alone is converted as LlamaConverter does it (legacy: true unless the configuration says
///   otherwise), so its own normalization rules do not count, and differs from the slow LlamaTokenizer in
///   that.
///
/// The SHA-256 is of the vocabulary file's bytes and the settings taken from the files beside it.
/// Throws: Error kInput.
std::shared_ptr<const Tokenizer> load_hf_tokenizer(const std::filesystem::path& path);

}  // namespace lore
