#pragma once

#include <cstdint>
#include <filesystem>

#include "lore/nn/llama_config.h"
#include "lore/tasks/layered_model.h"

namespace lore {

/// The texts of `source`, a text file or a folder of them, cut into windows of at most 512 tokens (or what
/// the model was made for) until there are `tokens` of them. Each begins as the tokenizer of the model at
/// `model` begins a text. Throws: Error kInput for a file that cannot be read, is no text or is empty, or for
/// ids outside the vocabulary.
TokenSequences text_windows(const std::filesystem::path& source, const std::filesystem::path& model,
                            const LlamaConfig& config, std::int64_t tokens);

}  // namespace lore
