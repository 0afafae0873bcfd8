#include "lore/adapters/adapter_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace lore {
namespace {

std::vector<TensorSpec> specs_of(const std::vector<AdapterWriter::Module>& modules) {
  std::vector<TensorSpec> specs;
  specs.reserve(2 * modules.size());
  for (const AdapterWriter::Module& module : modules) {
    const auto name = [&](const char* matrix) {
      return fmt::format("base_model.model.{}.{}.weight", module.linear.name, matrix);
    };
    specs.push_back({name("lora_A"), DType::kF32, {module.rank, module.linear.in}});
    specs.push_back({name("lora_B"), DType::kF32, {module.linear.out, module.rank}});
  }
  return specs;
}

std::string leaf_of(const std::string& name) { return name.substr(name.rfind('.') + 1); }

}  // namespace

AdapterWriter::AdapterWriter(const std::filesystem::path& folder, const PeftConfig& config,
                             const std::vector<Module>& modules)
    : file_(folder / "adapter_model.safetensors", specs_of(modules), {{"format", "pt"}}) {
  write_adapter_config(folder / "adapter_config.json", config);
}

void AdapterWriter::write(std::size_t module, const LowRank& low_rank) {
  const auto bytes_of = [](const at::Tensor& matrix) {
    return std::as_bytes(std::span(matrix.data_ptr<float>(), static_cast<std::size_t>(matrix.numel())));
  };
  const at::Tensor a = low_rank.a.contiguous();
  const at::Tensor b = low_rank.b.contiguous();
  file_.write(2 * module, 0, bytes_of(a));
  file_.write(2 * module + 1, 0, bytes_of(b));
}

std::vector<std::string> exact_targets(std::span<const std::string> adapted,
                                       std::span<const std::string> all) {
  std::set<std::string> leaves;
  for (const std::string& name : adapted) {
    leaves.insert(leaf_of(name));
  }
  const auto matched = std::count_if(all.begin(), all.end(),
                                     [&](const std::string& name) { return leaves.contains(leaf_of(name)); });
  if (static_cast<std::size_t>(matched) == adapted.size()) {
    return {leaves.begin(), leaves.end()};
  }
  std::vector<std::string> names(adapted.begin(), adapted.end());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace lore
