#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

/// What came of killing a run again and again.
struct ResumeVerdict {
  std::int64_t kills = 0;      ///< SIGKILLs that ended a process
  std::int64_t runs = 0;       ///< runs that were killed and brought to their end
  std::int64_t steps = 0;      ///< of the run
  std::int64_t torn = 0;       ///< checkpoints and adapters found damaged after a kill
  std::int64_t different = 0;  ///< runs that ended with other bytes than the one without a break
  std::string adapter_sha256;  ///< of the one without a break

  bool passed() const { return torn == 0 && different == 0; }
};

/// Trains a recipe once without a break, then again with SIGKILL at random moments and --resume after each,
/// and compares the adapters. Every process is this program.
class ResumeTrial {
 public:
  /// `arguments` go to every `lore train`; runs are kept under `folder`.
  ResumeTrial(std::vector<std::string> arguments, std::filesystem::path folder, std::uint64_t seed,
              std::function<bool()> stopped);

  /// `on_progress` hears of the kills so far. Returns early once `stopped`.
  /// Throws: lore::Error kInternal when a run fails on its own account, with what it said.
  ResumeVerdict run(std::int64_t kills, const std::function<void(const ResumeVerdict&)>& on_progress);

 private:
  /// Trains in `run`; kills the process at a random moment when `may_kill`. True when it came to its end,
  /// false when it was killed or everything is to stop.
  bool session(const std::filesystem::path& run, bool may_kill);
  void look_for_damage(const std::filesystem::path& run);
  int start(const std::filesystem::path& run) const;
  void wait_for_moment(const std::filesystem::path& run, int process);

  std::vector<std::string> arguments_;
  std::filesystem::path folder_;
  std::mt19937_64 random_;
  std::function<bool()> stopped_;
  ResumeVerdict verdict_;
  double step_seconds_ = 0;  ///< of the run without a break
};
