#pragma once

#include <filesystem>
#include <string_view>

namespace lore {

/// Refuses an adapter folder that is more than low-rank pairs on linears, by its adapter_config.json: DoRA,
/// biases, modules_to_save, trained tokens and the like, which `format` cannot hold. It can be merged.
/// Throws: Error kRefused with the key and the advice to merge; kInput for a file that cannot be read.
void refuse_more_than_lora(const std::filesystem::path& adapter, std::string_view format);

}  // namespace lore
