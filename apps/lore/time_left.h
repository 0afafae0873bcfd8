#pragma once

#include <chrono>
#include <string>

/// How long work goes on, at the pace it has had.
class TimeLeft {
 public:
  /// "  left 1:20" after `share` (0 to 1) of `work`; nothing before there is a pace. Another `work` than the
  /// last begins anew.
  std::string after(double share, const std::string& work = {});

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  double begun_ = 0;  ///< share that was done at `start_`
  std::string work_;
};
