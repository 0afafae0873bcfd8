#include "lore/tasks/output_place.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"

namespace lore {
namespace fs = std::filesystem;

namespace {

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

}  // namespace

fs::path tidy_output(const fs::path& output) {
  const fs::path normal = fs::absolute(output).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

void check_inputs_kept(const fs::path& output, std::span<const fs::path> inputs) {
  for (const fs::path& input : inputs) {
    if (is_inside(fs::weakly_canonical(input), fs::weakly_canonical(output))) {
      throw Error(
          ErrorKind::kUsage, "--output",
          fmt::format("{} holds {}, which is read; choose another place", output.string(), input.string()));
    }
  }
}

void check_output(const fs::path& output, std::span<const fs::path> inputs, const OutputRule& rule) {
  check_inputs_kept(output, inputs);
  if (!fs::exists(output)) {
    return;
  }
  if (!fs::is_directory(output)) {
    throw Error(ErrorKind::kRefused, output.string(), "is not a folder");
  }
  if (fs::is_empty(output)) {
    return;
  }
  if (!rule.overwrite) {
    throw Error(
        ErrorKind::kRefused, output.string(),
        fmt::format("is not empty; choose another folder, or replace {} in it with --overwrite", rule.kind));
  }
  if (!fs::exists(output / rule.mark)) {
    throw Error(ErrorKind::kRefused, output.string(),
                fmt::format("has no {}: --overwrite replaces {} alone", rule.mark, rule.kind));
  }
}

void check_gguf_output(const fs::path& output, std::span<const fs::path> inputs, bool overwrite) {
  check_inputs_kept(output, inputs);
  if (output.extension() != ".gguf") {
    throw Error(ErrorKind::kUsage, "--output", fmt::format("{} does not end in .gguf", output.string()));
  }
  if (fs::is_directory(output)) {
    throw Error(ErrorKind::kRefused, output.string(), "is a folder");
  }
  if (fs::exists(output) && !overwrite) {
    throw Error(ErrorKind::kRefused, output.string(),
                "exists; choose another name, or replace it with --overwrite");
  }
}

void check_space(const fs::path& output, std::uint64_t needed) {
  fs::path place = output.parent_path();
  while (!fs::exists(place) && place.has_parent_path() && place != place.parent_path()) {
    place = place.parent_path();
  }
  std::error_code error;
  const fs::space_info space = fs::space(place, error);
  if (!error && space.available < needed) {
    throw Error(ErrorKind::kResources, output.string(),
                fmt::format("needs {:.2f} GB, and {:.2f} GB are free there",
                            static_cast<double>(needed) / 1e9, static_cast<double>(space.available) / 1e9));
  }
}

}  // namespace lore
