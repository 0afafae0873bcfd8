#pragma once

#include <cstdint>

namespace lore {

/// Most memory that this process had resident at once, in bytes, since it began or since `reset_peak_rss`.
std::int64_t peak_rss_bytes();

/// Counts the peak from here on. Does nothing where the system does not allow it.
void reset_peak_rss();

}  // namespace lore
