#include "lore/tasks/merge_source.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/tasks/base_model.h"

namespace lore {
namespace {

/// What concatenated factors may differ from the sum by: one rounding of A to float32.
constexpr double kExact = 1e-6;

/// "0.7 terms/adapter + 0.3 style/adapter", with the weights as they were given.
std::string name_of_sum(const AdapterGroup& group, double sign) {
  std::string name;
  for (const AdapterGroup::Part& part : group.parts) {
    const double weight = sign * part.weight;
    name += name.empty() ? "" : " + ";
    name += weight == 1 ? part.name : fmt::format("{:g} {}", weight, part.name);
  }
  return name;
}

}  // namespace

std::optional<MergeSource> open_merge_source(std::span<const WeightedAdapter> adapters, double sign,
                                             std::span<const LinearShape> linears,
                                             const std::filesystem::path& output,
                                             const std::function<bool()>& stop) {
  MergeSource source;
  if (adapters.size() == 1 && sign * adapters.front().weight == 1) {
    source.folder = adapters.front().folder;
    source.name = base_name(source.folder, source.folder);
    return source;
  }
  std::vector<WeightedAdapter> signed_adapters(adapters.begin(), adapters.end());
  for (WeightedAdapter& adapter : signed_adapters) {
    adapter.weight *= sign;
  }
  std::vector<std::string>
      warnings;  // opening the sum's folder would not repeat them: the caller opens the parts
  const AdapterGroup group = AdapterGroup::open(signed_adapters, linears, warnings);
  source.scratch = std::make_unique<AtomicFolder>(output.string() + ".sum");
  source.folder = source.scratch->staging();
  const auto combined =
      write_combination(group, {}, 0, source.folder, [&](std::size_t, std::size_t) { return !stop(); });
  if (!combined) {
    return std::nullopt;
  }
  if (combined->statistics.relative_error > kExact) {
    throw Error(ErrorKind::kInternal, "sum of adapters",
                fmt::format("differs from its terms by {:.3g}", combined->statistics.relative_error));
  }
  source.name = name_of_sum(group, sign);
  source.parts = parts_json(group);
  return source;
}

}  // namespace lore
