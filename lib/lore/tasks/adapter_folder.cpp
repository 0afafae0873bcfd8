#include "lore/tasks/adapter_folder.h"

#include <nlohmann/json.hpp>

#include "lore/adapters/peft_files.h"
#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"
#include "lore/formats/adapter_record.h"

namespace lore {

LoraAdapter load_adapter(const std::filesystem::path& folder, const LlamaForCausalLm& model,
                         Messages& messages) {
  std::vector<std::string> warnings;
  LoraAdapter adapter = load_peft_adapter(folder, model, warnings);
  for (const std::string& warning : warnings) {
    messages.warning(warning);
  }
  return adapter;
}

void write_adapter_files(const std::filesystem::path& folder, const LoraAdapter& adapter,
                         const LlamaForCausalLm& model, at::ScalarType dtype,
                         const nlohmann::ordered_json& manifest, const AdapterOrigin& origin) {
  save_peft_adapter(folder, adapter, model, dtype);
  write_file_atomically(folder / "README.md", adapter_card(adapter, model, origin));
  nlohmann::ordered_json complete = manifest;
  // The configuration as it was written, which may not be the one the adapter was trained with.
  std::vector<std::string> warnings;
  complete["adapter"] = adapter_record(read_adapter_config(folder / "adapter_config.json", warnings));
  write_file_atomically(folder / "lore_manifest.json", complete.dump(2) + "\n");
}

void write_adapter_folder(const std::filesystem::path& folder, const LoraAdapter& adapter,
                          const LlamaForCausalLm& model, at::ScalarType dtype,
                          const nlohmann::ordered_json& manifest, const AdapterOrigin& origin) {
  AtomicFolder staged(folder);
  write_adapter_files(staged.staging(), adapter, model, dtype, manifest, origin);
  staged.commit();
}

}  // namespace lore
