#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace lore {

/// `output` as an absolute path without "/" at its end.
std::filesystem::path tidy_output(const std::filesystem::path& output);

/// Throws: Error kUsage when the output is or holds one of the `inputs`.
void check_inputs_kept(const std::filesystem::path& output, std::span<const std::filesystem::path> inputs);

/// What may stand at the output of a command that makes a folder.
struct OutputRule {
  bool overwrite = false;
  std::string mark;  ///< the file that only folders of its kind have, which alone may be replaced
  std::string kind;  ///< what such a folder is: "a merged model"
};

/// Throws: Error as check_inputs_kept; kRefused when it is in use: not empty
/// without `overwrite`, or no folder of its kind with it.
void check_output(const std::filesystem::path& output, std::span<const std::filesystem::path> inputs,
                  const OutputRule& rule);

/// The same for a GGUF file, which may replace any file with `overwrite`, but no folder. Throws: Error kUsage
/// also for a name that does not end in ".gguf".
void check_gguf_output(const std::filesystem::path& output, std::span<const std::filesystem::path> inputs,
                       bool overwrite);

/// Throws: Error kResources when fewer than `needed` bytes are free where `output` will be.
void check_space(const std::filesystem::path& output, std::uint64_t needed);

}  // namespace lore
