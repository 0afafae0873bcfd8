#include "lore/kernels/parallel.h"

#include <ATen/Parallel.h>

#include "lore/core/error.h"

// Without -fopenmp at::parallel_for is a loop on one thread, silently.
#ifndef INTRA_OP_PARALLEL
#error "compile with OpenMP"
#endif

namespace lore {

void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  at::parallel_for(begin, end, grain, body);
}

void set_threads(int count) {
  if (count < 1) {
    throw Error(ErrorKind::kInternal, "threads", "must be at least 1");
  }
  at::set_num_threads(count);
}

int threads() { return at::get_num_threads(); }

}  // namespace lore
