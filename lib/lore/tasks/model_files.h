#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lore {

/// Copies what belongs to a model besides its weights and config.json from one folder to another, byte
/// for byte and following links: tokenizer, chat template, generation_config.json, licence and notice.
/// Returns the names copied, sorted. Throws: Error kInput, kResources.
std::vector<std::string> copy_model_files(const std::filesystem::path& from, const std::filesystem::path& to);

/// The licence that a model names in the head of its README.md (`license: apache-2.0`), or in the
/// metadata of its GGUF file; empty when it names none.
std::string licence_of(const std::filesystem::path& model);

}  // namespace lore
