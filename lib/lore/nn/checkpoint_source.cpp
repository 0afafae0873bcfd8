#include "lore/nn/checkpoint_source.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/core/error.h"
#include "lore/formats/json_file.h"
#include "lore/kernels/parallel.h"
#include "lore/nn/compressed_weights.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

at::ScalarType stored_dtype(const TensorView& view) {
  if (const auto dtype = torch_dtype(view.dtype)) {
    return *dtype;
  }
  throw Error::mismatch(ErrorKind::kInput, view.name, "F32, F16 or BF16", name_of(view.dtype));
}

}  // namespace

CheckpointSource::CheckpointSource(const std::filesystem::path& folder)
    : folder_(folder),
      config_(
          LlamaConfig::from_hf(read_json_file(folder / "config.json"), (folder / "config.json").string())),
      checkpoint_(Checkpoint::open(folder)) {}

const TensorView& CheckpointSource::find(const std::string& name, at::IntArrayRef shape) const {
  const TensorView* view = checkpoint_.find(name);
  if (view == nullptr) {
    throw Error(ErrorKind::kInput, folder_.string(), fmt::format("tensor {} is missing", name));
  }
  if (!shape.equals(view->shape)) {
    throw Error::mismatch(ErrorKind::kInput, fmt::format("{}: tensor {}", folder_.string(), name),
                          fmt::format("[{}]", fmt::join(shape, ",")),
                          fmt::format("[{}]", fmt::join(view->shape, ",")));
  }
  return *view;
}

at::Tensor CheckpointSource::tensor(const std::string& name, at::IntArrayRef shape,
                                    at::ScalarType dtype) const {
  if (const auto compressed = find_compressed(checkpoint_, name, shape, folder_.string())) {
    constexpr std::int64_t kPieceElements = 1 << 18;
    at::Tensor result = at::empty(shape, at::TensorOptions(at::kFloat));
    parallel_for(0, shape[0], std::max<std::int64_t>(1, kPieceElements / shape[1]),
                 [&](std::int64_t first, std::int64_t last) {
                   compressed->read_rows(first, last - first, result.data_ptr<float>() + first * shape[1]);
                 });
    return result.to(dtype);
  }
  const TensorView& view = find(name, shape);
  const std::shared_ptr<const MappedFile> file = checkpoint_.file_of(view);
  // The mapping is read-only; frozen weights are never written, so the const is safe to drop.
  const at::Tensor mapped = at::from_blob(
      const_cast<std::byte*>(view.bytes.data()), shape, [file](void*) {},
      at::TensorOptions(stored_dtype(view)));
  return mapped.to(dtype);
}

void CheckpointSource::read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first,
                                 std::int64_t count, float* target) const {
  if (const auto compressed = find_compressed(checkpoint_, name, shape, folder_.string())) {
    compressed->read_rows(first, count, target);
    return;
  }
  const TensorView& view = find(name, shape);
  const std::int64_t columns = shape.size() == 2 ? shape[1] : shape[0];
  const auto row_bytes = static_cast<std::size_t>(columns) * size_of(view.dtype);
  const auto bytes = view.bytes.subspan(static_cast<std::size_t>(first) * row_bytes,
                                        static_cast<std::size_t>(count) * row_bytes);
  const at::Tensor stored = at::from_blob(const_cast<std::byte*>(bytes.data()), {count, columns},
                                          at::TensorOptions(stored_dtype(view)));
  at::from_blob(target, {count, columns}, at::TensorOptions(at::kFloat)).copy_(stored);
}

std::vector<std::string> CheckpointSource::unused(const std::vector<std::string>& used) const {
  std::set<std::string> known(used.begin(), used.end());
  for (const std::string& name : used) {
    for (std::string& part : compressed_names(name)) {
      known.insert(std::move(part));
    }
  }
  std::vector<std::string> names;
  for (const std::string& name : checkpoint_.names()) {
    const bool is_table = name.ends_with("rotary_emb.inv_freq");
    const bool is_tied_head = config_.tie_word_embeddings && name == "lm_head.weight";
    if (!is_table && !is_tied_head && !known.contains(name)) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::filesystem::path> CheckpointSource::files() const { return checkpoint_.files(); }

}  // namespace lore
