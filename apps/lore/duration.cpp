#include "duration.h"

#include <regex>

std::optional<double> seconds_of_duration(const std::string& text) {
  static const std::regex units(R"((?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9}(?:\.\d{1,6})?)s?)?)");
  static const std::regex clock(R"((?:(\d{1,5}):)?(\d{1,7}):(\d{2}))");
  std::smatch parts;
  if (text.empty() || (!std::regex_match(text, parts, units) && !std::regex_match(text, parts, clock))) {
    return std::nullopt;
  }
  const auto number = [&](int part) { return parts[part].length() > 0 ? std::stod(parts[part]) : 0.0; };
  const double seconds = 3600 * number(1) + 60 * number(2) + number(3);
  return seconds > 0 ? std::optional(seconds) : std::nullopt;
}
