#include "lore/adapters/adapter_weights.h"

#include "lore/core/error.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const char* message) {
  throw Error(ErrorKind::kInput, path.string(), message);
}

}  // namespace

SafetensorsFile open_adapter_weights(const fs::path& folder) {
  const fs::path file = folder / "adapter_model.safetensors";
  if (fs::exists(fs::symlink_status(file))) {
    if (!fs::exists(file)) {
      refuse(file, "is a link to a file that is not there; copy the adapter with its links followed (cp -L)");
    }
    return SafetensorsFile::open(file);
  }
  const fs::path pickle = folder / "adapter_model.bin";
  if (fs::exists(pickle)) {
    refuse(pickle,
           "is a pickle, which can run code when read; save the adapter with "
           "save_pretrained(..., safe_serialization=True)");
  }
  const fs::path index = folder / "adapter_model.safetensors.index.json";
  if (fs::exists(index)) {
    refuse(index,
           "an adapter in several files is read neither by PEFT nor by Lore; put its tensors into one "
           "adapter_model.safetensors");
  }
  refuse(file, "is missing; give the folder of an adapter as PEFT or `lore train` writes it");
}

void check_adapter_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    refuse(folder, "is not a folder with an adapter");
  }
  if (!fs::exists(folder / "adapter_config.json")) {
    refuse(folder / "adapter_config.json",
           "is missing; give the folder of an adapter as PEFT or `lore train` writes it");
  }
}

}  // namespace lore
