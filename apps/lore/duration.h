#pragma once

#include <optional>
#include <string>

/// Seconds in "90", "90s", "15m", "2h", "1h30m", "1:30:00" (hours) or "30:00" (minutes); nothing for another
/// text, or one of no seconds.
std::optional<double> seconds_of_duration(const std::string& text);
