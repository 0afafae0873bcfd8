#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lore {

/// Collects what is wrong with rows, so that all is reported at once.
class BadRows {
 public:
  /// `why` begins with the row's "file:line".
  void add(std::string why);
  /// Throws: Error kInput that lists the first 20, when there are any.
  void throw_if_any() const;

 private:
  std::vector<std::string> first_;
  std::int64_t count_ = 0;
};

}  // namespace lore
