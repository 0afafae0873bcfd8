#pragma once

#include <string_view>

namespace lore {

/// Where the library's messages go. The library never prints: programs pass a sink.
class Messages {
 public:
  virtual ~Messages() = default;
  /// Something the user should know and may want to change.
  virtual void warning(std::string_view text) = 0;
  /// What is being done now.
  virtual void info(std::string_view text) = 0;
};

}  // namespace lore
