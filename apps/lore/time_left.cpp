#include "time_left.h"

#include <fmt/format.h>

#include <cmath>

std::string TimeLeft::after(double share, const std::string& work) {
  if (work != work_) {
    work_ = work;
    start_ = Clock::now();
    begun_ = share;
  }
  if (share <= begun_) {
    return "";
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const auto left = static_cast<long long>(std::llround(elapsed * (1 - share) / (share - begun_)));
  return left >= 3600 ? fmt::format("  left {}:{:02}:{:02}", left / 3600, left / 60 % 60, left % 60)
                      : fmt::format("  left {}:{:02}", left / 60, left % 60);
}
