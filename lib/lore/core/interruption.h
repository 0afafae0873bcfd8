#pragma once

#include <exception>
#include <string>

namespace lore {

/// Thrown, in place of an Error, where a signal ended work that has nothing to give back yet.
class Interruption : public std::exception {
 public:
  /// `what` says what was interrupted, and what became of it.
  explicit Interruption(std::string what) : what_(std::move(what)) {}

  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

}  // namespace lore
