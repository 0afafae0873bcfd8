#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace lore {

/// Texts that took long to compute, kept in files that their owner alone may read. An entry that is damaged
/// is as good as none, and a folder that cannot be written keeps nothing.
class Memo {
 public:
  /// Ending of the files that are kept.
  static constexpr const char* kEnding = ".memo";

  /// `folder` is made, for its owner alone, when something is first kept; empty: nothing is kept.
  explicit Memo(std::filesystem::path folder) : folder_(std::move(folder)) {}

  bool keeps() const { return !folder_.empty(); }
  /// What was kept under `name` for this `state`; nothing where another state was kept since.
  std::optional<std::string> find(std::string_view name, std::string_view state) const;
  /// Keeps `text` under `name`, in place of what was kept for another state.
  void keep(std::string_view name, std::string_view state, std::string_view text) const;

 private:
  std::filesystem::path path_of(std::string_view name) const;

  std::filesystem::path folder_;
};

}  // namespace lore
