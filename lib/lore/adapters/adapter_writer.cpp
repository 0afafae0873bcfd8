#include "lore/adapters/adapter_writer.h"

#include <algorithm>
#include <set>

#include "lore/adapters/tensor_names.h"

namespace lore {
namespace {

std::vector<TensorSpec> specs_of(const std::vector<AdapterWriter::Module>& modules) {
  std::vector<TensorSpec> specs;
  specs.reserve(2 * modules.size());
  for (const auto& [linear, rank] : modules) {
    const auto name = [&](AdapterPart part) { return adapter_tensor_name(linear.name, part); };
    if (linear.name == kEmbeddingModule) {
      specs.push_back({name(AdapterPart::kEmbeddingA), DType::kF32, {rank, linear.out}});
      specs.push_back({name(AdapterPart::kEmbeddingB), DType::kF32, {linear.in, rank}});
    } else {
      specs.push_back({name(AdapterPart::kA), DType::kF32, {rank, linear.in}});
      specs.push_back({name(AdapterPart::kB), DType::kF32, {linear.out, rank}});
    }
  }
  return specs;
}

std::string leaf_of(const std::string& name) { return name.substr(name.rfind('.') + 1); }

}  // namespace

AdapterWriter::AdapterWriter(const std::filesystem::path& folder, const PeftConfig& config,
                             const std::vector<Module>& modules)
    : modules_(modules), file_(folder / "adapter_model.safetensors", specs_of(modules), {{"format", "pt"}}) {
  write_adapter_config(folder / "adapter_config.json", config);
}

void AdapterWriter::write(std::size_t module, const LowRank& low_rank) {
  const auto bytes_of = [](const at::Tensor& matrix) {
    return std::as_bytes(std::span(matrix.data_ptr<float>(), static_cast<std::size_t>(matrix.numel())));
  };
  const bool embeds = modules_[module].linear.name == kEmbeddingModule;
  const at::Tensor a = (embeds ? low_rank.b.t() : low_rank.a).contiguous();
  const at::Tensor b = (embeds ? low_rank.a.t() : low_rank.b).contiguous();
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
