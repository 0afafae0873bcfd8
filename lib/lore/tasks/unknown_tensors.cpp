#include "lore/tasks/unknown_tensors.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/nn/model_parameters.h"

namespace lore {

void refuse_unknown_tensors(const WeightSource& source) {
  std::vector<std::string> names;
  for (const ParameterShape& parameter : model_parameters(source.config())) {
    names.push_back(parameter.name);
  }
  const std::vector<std::string> unused = source.unused(names);
  if (!unused.empty()) {
    throw Error(ErrorKind::kInput, source.files().front().parent_path().string(),
                fmt::format("holds {} tensor(s) that are not part of architecture {}, the first is {}",
                            unused.size(), source.config().model_type, unused.front()));
  }
}

}  // namespace lore
