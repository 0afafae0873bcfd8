#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// A parameter that an adapter brings whole, in place of the base's own.
struct FullParameter {
  std::string name;    ///< of the tensor in the base: "model.norm.weight"
  at::Tensor master;   ///< fp32
  at::Tensor compute;  ///< the master in the dtype of the model; refreshed after every optimizer step
};

/// The whole parameters of an adapter: PEFT's modules_to_save and the biases it trains.
class FullParameters {
 public:
  void add(std::string name, at::Tensor master);

  /// The parameter `leaf` ("weight" or "bias") of the module `module`; null where the base's own holds.
  const FullParameter* find(std::string_view module, std::string_view leaf) const {
    return list_.empty() ? nullptr : find_name(module, leaf);
  }
  /// In the order they were added.
  const std::vector<FullParameter>& list() const { return list_; }
  bool empty() const { return list_.empty(); }

  std::int64_t parameter_count() const;
  void refresh(at::ScalarType dtype);

 private:
  const FullParameter* find_name(std::string_view module, std::string_view leaf) const;

  std::vector<FullParameter> list_;
  std::map<std::string, std::size_t, std::less<>> places_;
};

/// What backward yields of a whole parameter: its gradient is dy^T x, where
/// - an int64 dy [N] stands for rows of the identity (an embedding looked up at these ids),
/// - an undefined x stands for a column of ones (a vector that is added to every row).
struct FullGradient {
  at::Tensor x;   ///< [N, in] or undefined
  at::Tensor dy;  ///< [N, out], or int64 [N]
};

}  // namespace lore
