#pragma once

#include <string>
#include <vector>

namespace lore {

/// The files that the `path` of a source names, each once, links followed, sorted bytewise:
///
/// - a file: itself
/// - a folder: every data file below it, told by its name. Hidden files and folders, README and LICENSE are
///   left out.
/// - a pattern: the files (no folders) whose path it matches. `*` and `?` stand for any characters and for
/// one,
///   `[...]` for one of a set, `**` for any folders or none; none of them for a dot that begins a name. What
///   exists by that very name is no pattern.
///
/// Throws: Error kInput, subject the path, where that is no file; with the nearest name where there is one.
std::vector<std::string> source_files(const std::string& path);

}  // namespace lore
