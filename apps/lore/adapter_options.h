#pragma once

#include <string>
#include <vector>

#include "lore/tasks/adapter_group.h"

namespace CLI {
class App;
}

/// `--adapter DIR --weight W`, once or more.
class AdapterOptions {
 public:
  void add_to(CLI::App& command, bool required = true);
  /// Weights go to the adapters in order; none at all stand for 1 each.
  /// Throws: lore::Error kUsage when there are some, but not one for each adapter.
  std::vector<lore::WeightedAdapter> adapters() const;

 private:
  std::vector<std::string> folders_;
  std::vector<double> weights_;
};
