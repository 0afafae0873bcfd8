#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lore {

/// Does jobs one after another on a thread of its own. After one has failed, no other is begun.
class BackgroundWriter {
 public:
  BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;
  /// Waits for the jobs that were given.
  ~BackgroundWriter();

  /// Waits while two jobs are waiting, as each holds a copy of an adapter. Throws: what an earlier job threw.
  void give(std::function<void()> job);
  /// Returns when all jobs are done. Throws: what one threw.
  void finish();

 private:
  void work();
  void rethrow();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> jobs_;
  bool working_ = false;
  bool ended_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace lore
