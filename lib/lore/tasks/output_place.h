#pragma once

#include <cstdint>
#include <filesystem>

namespace lore {

/// The output as an absolute path without "/" at its end.
std::filesystem::path tidy_output(const std::filesystem::path& output);

/// Whether `path` is `folder` or lies in it; both are compared name by name.
bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder);

/// Throws: Error kResources when fewer than `needed` bytes are free where `output` will be.
void check_space(const std::filesystem::path& output, std::uint64_t needed);

}  // namespace lore
