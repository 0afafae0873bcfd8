#pragma once

#include <string>

#include "lore/tasks/environment.h"
#include "lore/tasks/inspection.h"

namespace lore {

/// What `lore inspect` is asked to look at.
struct InspectRequest {
  std::string path;   ///< anything on this machine, or the hub id of a model in the local cache
  std::string base;   ///< with an adapter: the model it is meant for; may be empty
  bool deep = false;  ///< read every value of large models too
};

/// Finds out what the path is and looks at it. What is wrong with it is in the result, not thrown.
/// Throws: Error kInput when nothing known is there, saying what was looked for; kUsage for a base given
/// with something that is no adapter.
Inspection run_inspect(const InspectRequest& request, const Environment& environment);

/// How two adapters, or two models, differ. Throws: Error kUsage when they are not of one kind; kInput.
Inspection run_inspect_difference(const std::string& a, const std::string& b, const Environment& environment);

}  // namespace lore
