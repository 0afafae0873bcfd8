#include "lore/nn/full_parameters.h"

#include <fmt/format.h>

namespace lore {

void FullParameters::add(std::string name, at::Tensor master) {
  places_[name] = list_.size();
  list_.push_back({std::move(name), std::move(master), {}});
}

const FullParameter* FullParameters::find_name(std::string_view module, std::string_view leaf) const {
  const auto place = places_.find(fmt::format("{}.{}", module, leaf));
  return place == places_.end() ? nullptr : &list_[place->second];
}

std::int64_t FullParameters::parameter_count() const {
  std::int64_t count = 0;
  for (const FullParameter& parameter : list_) {
    count += parameter.master.numel();
  }
  return count;
}

void FullParameters::refresh(at::ScalarType dtype) {
  for (FullParameter& parameter : list_) {
    parameter.compute = parameter.master.to(dtype);
  }
}

}  // namespace lore
