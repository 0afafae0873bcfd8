#include "lore/kernels/parallel.h"

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/catch.h"

TEST_CASE("every thread works, and every element is visited once") {
  const int before = lore::threads();
  lore::set_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> workers;
  std::vector<int> visits(1000);
  lore::parallel_for(0, 1000, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      ++visits[static_cast<std::size_t>(i)];
    }
    const std::lock_guard lock(mutex);
    workers.insert(std::this_thread::get_id());
  });
  lore::set_threads(before);
  CHECK(workers.size() == 2);
  CHECK(visits == std::vector<int>(1000, 1));
}

TEST_CASE("an exception in a body reaches the caller") {
  CHECK_THROWS_AS(
      lore::parallel_for(0, 10, 1, [](std::int64_t, std::int64_t) { throw std::runtime_error("body"); }),
      std::runtime_error);
}
