#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lore {

/// The first second of a day written `YYYY-MM-DD`, in seconds since the epoch (UTC); nothing for what is not
/// such a day of the years 1970 to 9999.
std::optional<std::int64_t> seconds_of_date(std::string_view date);

/// The day (UTC) of a time in seconds since the epoch, as `YYYY-MM-DD`.
std::string date_of_seconds(std::int64_t seconds);

}  // namespace lore
