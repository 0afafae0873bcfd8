#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace lore {

/// Takes inputs from `take` until it gives none, turns each into a result with `work` on `threads` threads,
/// and gives the results to `give` in the order of the inputs. `take` and `give` are each called by one
/// thread at a time. At most one input a thread is in memory. Throws: what `take`, `work` or `give` threw; of
/// several the one of the earliest input.
template <class Input, class Result, class Take, class Work, class Give>
void work_in_order(int threads, Take take, Work work, Give give) {
  std::mutex taking;
  std::int64_t taken = 0;
  bool ended = false;
  std::mutex giving;
  std::condition_variable given_one;
  std::int64_t given = 0;
  std::int64_t failed = -1;  // the earliest input that failed
  std::exception_ptr failure;

  const auto fail = [&](std::int64_t number) {
    const std::lock_guard lock(giving);
    if (failed < 0 || number < failed) {
      failed = number;
      failure = std::current_exception();
    }
    given_one.notify_all();
  };
  const auto run = [&] {
    for (;;) {
      std::int64_t number = 0;
      try {
        std::optional<Input> input;
        {
          const std::lock_guard lock(taking);
          number = taken++;
          {
            const std::lock_guard also(giving);
            if (failed >= 0) {
              return;
            }
          }
          if (ended) {
            return;
          }
          input = take();
          ended = !input;
        }
        if (!input) {
          return;
        }
        const Result result = work(std::move(*input));
        std::unique_lock lock(giving);
        given_one.wait(lock, [&] { return given == number || (failed >= 0 && failed < number); });
        if (failed >= 0 && failed < number) {
          return;
        }
        give(result);
        ++given;
        given_one.notify_all();
      } catch (...) {
        fail(number);
        return;
      }
    }
  };
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < std::clamp(threads, 1, 256); ++i) {
      others.emplace_back(run);
    }
    run();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace lore
