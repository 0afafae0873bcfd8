#pragma once

#include <cstdint>
#include <functional>

namespace lore {

/// Calls body(first, last) on consecutive pieces that together cover [begin, end), on all threads
/// when there is more than `grain` to do; a call from inside a body runs inline. An exception
/// from a body reaches the caller.
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body);

/// Uses `count` threads in every later kernel and LibTorch operation.
/// Throws: Error(kInternal) if count < 1.
void set_threads(int count);

/// The threads that kernels use.
int threads();

}  // namespace lore
