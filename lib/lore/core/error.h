#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace lore {

/// What kind of failure an Error is; the program maps each kind to one exit code.
enum class ErrorKind {
  kInternal = 1,   ///< a bug in Lore
  kUsage = 2,      ///< wrong command line or recipe
  kInput = 3,      ///< a file that is missing, damaged or unsupported
  kRefused = 4,    ///< a gate or a proof failed, or an operation was refused
  kResources = 5,  ///< out of memory, disk or permission
  kDiverged = 6,   ///< training produced NaN or inf
};

/// The one exception type of the library.
///
/// Reads as "subject: message"; each caller that knows more about the place
/// puts it in front with `within`, e.g. "adapter.safetensors: q_proj.lora_A: expected ...".
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string subject, std::string message);

  /// "subject: expected E, got A".
  static Error mismatch(ErrorKind kind, std::string subject, std::string_view expected,
                        std::string_view actual);

  ErrorKind kind() const { return kind_; }
  const std::string& subject() const { return subject_; }
  const std::string& message() const { return message_; }

  /// The same error with `context` put before its subject.
  Error within(std::string_view context) const;

  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorKind kind_;
  std::string subject_;
  std::string message_;
  std::string text_;
};

}  // namespace lore
