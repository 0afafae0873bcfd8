#include "lore/nn/weight_source.h"

#include "lore/nn/checkpoint_source.h"
#include "lore/nn/gguf_source.h"

namespace lore {

std::unique_ptr<WeightSource> open_weights(const std::filesystem::path& model) {
  if (std::filesystem::is_directory(model)) {
    return std::make_unique<CheckpointSource>(model);
  }
  return std::make_unique<GgufSource>(model);
}

}  // namespace lore
