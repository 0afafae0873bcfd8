#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lore {

/// Finds a model on this machine; nothing is ever fetched.
///
/// `path_or_id` is a folder with a config.json, a .gguf file (either relative to `recipe_folder`),
/// or a hub id "org/name" or "org/name@revision" that one of `cache_roots` holds in the layout of
/// huggingface_hub: `models--org--name/{refs/<revision>, snapshots/<commit>/, blobs/}`.
/// Returns the folder or the file. A folder's links have passed `check_links`.
/// Throws: Error kInput that says where it looked and what to do.
std::filesystem::path find_model(const std::string& path_or_id, const std::filesystem::path& recipe_folder,
                                 const std::vector<std::filesystem::path>& cache_roots);

/// Refuses a symbolic link in a model folder, or in a folder directly inside it, that leads out of
/// the folder. A cache snapshot's links into the `blobs` of its own repository are allowed, and the
/// folder itself may be a link. Hidden subfolders are never read and not looked at.
/// Throws: Error kInput naming the link.
void check_links(const std::filesystem::path& folder);

}  // namespace lore
