#include "lore/core/error.h"

#include <fmt/format.h>

namespace lore {

Error::Error(ErrorKind kind, std::string subject, std::string message)
    : kind_(kind),
      subject_(std::move(subject)),
      message_(std::move(message)),
      text_(subject_.empty() ? message_ : fmt::format("{}: {}", subject_, message_)) {}

Error Error::mismatch(ErrorKind kind, std::string subject, std::string_view expected,
                      std::string_view actual) {
  return Error(kind, std::move(subject), fmt::format("expected {}, got {}", expected, actual));
}

Error Error::within(std::string_view context) const {
  return Error(kind_, subject_.empty() ? std::string(context) : fmt::format("{}: {}", context, subject_),
               message_);
}

}  // namespace lore
