#pragma once

namespace lore {

/// SHA-256 of all sources of the library, as 64 hex digits.
const char* library_code();

}  // namespace lore
