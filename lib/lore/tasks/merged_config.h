#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "lore/nn/llama_config.h"

namespace lore {

/// The config.json of a merged model made from the base's: every key is passed through, except that the
/// dtype is `dtype` in both spellings, rotary positions stand in the spellings of transformers 4
/// (rope_theta, rope_scaling) and 5 (rope_parameters), rms_norm_eps is a float as transformers 5 wants it,
/// quantization_config goes, and with `untied` the head is no longer tied.
nlohmann::ordered_json merged_config(nlohmann::ordered_json base, std::string_view dtype, bool untied);

/// The same for a base from a GGUF file, made from its metadata.
/// Throws: Error kInput when config.json cannot say what the metadata does (rope_freqs of no known kind).
nlohmann::ordered_json config_from_gguf(const std::filesystem::path& file, const LlamaConfig& config,
                                        std::string_view dtype, bool untied);

}  // namespace lore
