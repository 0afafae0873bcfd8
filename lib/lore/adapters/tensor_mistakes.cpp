#include "lore/adapters/tensor_mistakes.h"

#include <fmt/format.h>

#include "lore/adapters/tensor_names.h"
#include "lore/core/printable.h"

namespace lore {

std::string misnamed_tensor(const SafetensorsFile& file, const std::string& name) {
  const AdapterTensorName wanted = parse_adapter_tensor_name(name);
  for (const TensorView& view : file.tensors()) {
    AdapterTensorName found = parse_adapter_tensor_name(view.name);
    if (found.part != wanted.part) {
      continue;
    }
    if ("model." + found.module == wanted.module) {
      found.mistake = "names the module without \"model.\"";
    } else if (found.module == "model." + wanted.module) {
      found.mistake = "names the module with \"model.\" twice";
    } else if (found.module != wanted.module) {
      continue;
    }
    return fmt::format(
        "; the file has {} instead, which {}: rename its tensors as PEFT's save_pretrained does",
        printable(view.name), found.mistake);
  }
  return "; is it an adapter of another model, or was a tensor lost?";
}

std::string shape_mistake(const std::string& name, std::span<const std::int64_t> expected,
                          std::span<const std::int64_t> got) {
  if (expected.size() != 2 || got.size() != 2) {
    return "";
  }
  const bool is_a = parse_adapter_tensor_name(name).part == AdapterPart::kA;
  const std::int64_t rank = expected[is_a ? 0 : 1];
  const std::int64_t width = expected[is_a ? 1 : 0];
  const std::int64_t got_rank = got[is_a ? 0 : 1];
  const std::int64_t got_width = got[is_a ? 1 : 0];
  if (got_width == expected[is_a ? 0 : 1] && got_rank == width) {
    return " (transposed, or A and B swapped)";
  }
  if (got_width == rank) {
    return " (A and B swapped?)";
  }
  if (got_rank == rank && got_width > 0) {
    return fmt::format(" (an adapter of a model with {} in place of {} here)", got_width, width);
  }
  if (got_width == width) {
    return fmt::format(" (rank {}, where adapter_config.json says {})", got_rank, rank);
  }
  return "";
}

}  // namespace lore
