#include "lore/core/calendar_date.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace lore {

std::optional<std::int64_t> seconds_of_date(std::string_view date) {
  constexpr std::string_view kShape = "dddd-dd-dd";
  const bool shaped =
      std::equal(date.begin(), date.end(), kShape.begin(), kShape.end(),
                 [](char c, char shape) { return shape == 'd' ? c >= '0' && c <= '9' : c == shape; });
  if (!shaped) {
    return {};
  }
  const auto number = [&](std::size_t begin, std::size_t length) {
    int value = 0;
    std::from_chars(date.data() + begin, date.data() + begin + length, value);
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!day.ok() || day.year() < std::chrono::year(1970)) {
    return {};
  }
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::sys_days(day).time_since_epoch())
      .count();
}

std::string date_of_seconds(std::int64_t seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

}  // namespace lore
