#include "adapter_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include "lore/core/error.h"

void AdapterOptions::add_to(CLI::App& command, bool required) {
  command.add_option("--adapter", folders_, "Adapter folder (PEFT's files); may be given more than once")
      ->required(required)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--weight", weights_,
                  "What its update counts for, one --weight for each --adapter in order (default: 1 each)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::vector<lore::WeightedAdapter> AdapterOptions::adapters() const {
  if (!weights_.empty() && weights_.size() != folders_.size()) {
    throw lore::Error(
        lore::ErrorKind::kUsage, "--weight",
        fmt::format("is given {} time(s) for {} adapter(s); give one after each --adapter, or none",
                    weights_.size(), folders_.size()));
  }
  std::vector<lore::WeightedAdapter> adapters;
  adapters.reserve(folders_.size());
  for (std::size_t i = 0; i < folders_.size(); ++i) {
    adapters.push_back({folders_[i], weights_.empty() ? 1 : weights_[i]});
    if (!std::isfinite(adapters.back().weight)) {
      throw lore::Error(lore::ErrorKind::kUsage, "--weight", "must be a finite number");
    }
  }
  return adapters;
}
