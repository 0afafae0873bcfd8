#include "lore/nn/checkpoint_source.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/formats/json_file.h"

namespace lore {
namespace {

at::ScalarType torch_dtype(const TensorView& view) {
  switch (view.dtype) {
    case DType::kF32:
      return at::kFloat;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    default:
      throw Error::mismatch(ErrorKind::kInput, view.name, "F32, F16 or BF16", name_of(view.dtype));
  }
}

}  // namespace

CheckpointSource::CheckpointSource(const std::filesystem::path& folder)
    : folder_(folder),
      config_(
          LlamaConfig::from_hf(read_json_file(folder / "config.json"), (folder / "config.json").string())),
      checkpoint_(Checkpoint::open(folder)) {}

at::Tensor CheckpointSource::tensor(const std::string& name, at::IntArrayRef shape,
                                    at::ScalarType dtype) const {
  const TensorView* view = checkpoint_.find(name);
  if (view == nullptr) {
    throw Error(ErrorKind::kInput, folder_.string(), fmt::format("tensor {} is missing", name));
  }
  if (!shape.equals(view->shape)) {
    throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: tensor {}", folder_.string(), name),
                          fmt::format("[{}]", fmt::join(shape, ",")),
                          fmt::format("[{}]", fmt::join(view->shape, ",")));
  }
  const std::shared_ptr<const MappedFile> file = checkpoint_.file_of(*view);
  // The mapping is read-only; frozen weights are never written, so the const is safe to drop.
  const at::Tensor mapped = at::from_blob(
      const_cast<std::byte*>(view->bytes.data()), shape, [file](void*) {},
      at::TensorOptions(torch_dtype(*view)));
  return mapped.to(dtype);
}

std::vector<std::string> CheckpointSource::unused(const std::vector<std::string>& used) const {
  std::vector<std::string> names;
  for (const std::string& name : checkpoint_.names()) {
    const bool is_table = name.ends_with("rotary_emb.inv_freq");
    const bool is_tied_head = config_.tie_word_embeddings && name == "lm_head.weight";
    if (!is_table && !is_tied_head && std::find(used.begin(), used.end(), name) == used.end()) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::filesystem::path> CheckpointSource::files() const { return checkpoint_.files(); }

}  // namespace lore
