#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace lore {

/// What each input of each linear counts for: the mean of x^2 over the tokens of a calibration text. The loss
/// of y = W x by an error E of W is, inputs taken as uncorrelated, sum E^2 * importance of the column.
class Importance {
 public:
  bool empty() const { return columns_.empty(); }
  std::size_t size() const { return columns_.size(); }
  /// One weight a column of the tensor under its Hugging Face name; empty where nothing is known.
  std::span<const float> of(const std::string& tensor) const;
  void set(const std::string& tensor, std::vector<float> columns) { columns_[tensor] = std::move(columns); }
  const std::map<std::string, std::vector<float>>& all() const { return columns_; }

 private:
  std::map<std::string, std::vector<float>> columns_;
};

}  // namespace lore
