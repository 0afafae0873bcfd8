#include "lore/tasks/gate_words.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "lore/eval/gate.h"

namespace lore {
namespace {

/// Takes `text` from the beginning or the end of `name`, where it is there.
bool take_prefix(std::string& name, std::string_view text) {
  const bool found = name.starts_with(text);
  name.erase(0, found ? text.size() : 0);
  return found;
}

bool take_suffix(std::string& name, std::string_view text) {
  const bool found = name.ends_with(text);
  name.resize(name.size() - (found ? text.size() : 0));
  return found;
}

}  // namespace

std::string gate_in_words(const std::string& text) {
  const Gate gate = parse_gate(text);
  std::string name = gate.metric;
  const bool low = take_suffix(name, ".low");
  const bool high = !low && take_suffix(name, ".high");
  std::string form = "{}";
  for (const auto& [prefix, words] :
       {std::pair{"base.", "{} of the base"}, std::pair{"delta.", "the change of {} from base to adapter"},
        std::pair{"baseline.", "{} of the model now deployed"},
        std::pair{"vs_baseline.", "the change of {} from the model now deployed"}}) {
    if (take_prefix(name, prefix)) {
      form = words;
    }
  }
  if (!gate.grouping.empty()) {
    name += gate.group == "*" ? fmt::format(" in each {}", gate.grouping)
                              : fmt::format(" where {} is {}", gate.grouping, gate.group);
  }
  const std::string what = fmt::format(fmt::runtime(form), name);
  const std::string bounded = low    ? fmt::format("the lower 95% bound of {}", what)
                              : high ? fmt::format("the upper 95% bound of {}", what)
                                     : what;
  const char* const comparison = gate.comparison == ">="   ? "at least"
                                 : gate.comparison == "<=" ? "at most"
                                 : gate.comparison == ">"  ? "more than"
                                 : gate.comparison == "<"  ? "less than"
                                                           : "exactly";
  return fmt::format("{} must be {} {:g}", bounded, comparison, gate.bound);
}

}  // namespace lore
