#pragma once

#include <ATen/core/Tensor.h>

#include "lore/core/error.h"

namespace lore {

/// Throws Error(kInternal) naming `kernel` unless `holds`.
inline void check_argument(bool holds, const char* kernel, const char* requirement) {
  if (!holds) {
    throw Error(ErrorKind::kInternal, kernel, std::string("needs ") + requirement);
  }
}

inline bool is_supported(const at::Tensor& x) {
  return x.is_contiguous() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

/// Calls `body` with a null pointer of the tensor's element type.
template <typename Body>
void dispatch_dtype(const at::Tensor& x, const Body& body) {
  if (x.scalar_type() == at::kFloat) {
    body(static_cast<float*>(nullptr));
  } else {
    body(static_cast<c10::BFloat16*>(nullptr));
  }
}

}  // namespace lore
