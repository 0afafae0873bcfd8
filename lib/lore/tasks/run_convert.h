#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "lore/core/messages.h"
#include "lore/tasks/convert_model.h"

namespace lore {

/// What `lore convert` is asked to do.
struct ConvertRequest {
  std::string input;  ///< model folder, GGUF file or hub id; adapter folder or GGUF adapter
  std::string to;     ///< gguf | a name of gguf_formats | hf | peft | portable
  std::filesystem::path output;
  std::string base;                           ///< of an adapter to or from GGUF: its model
  std::string base_name;                      ///< what an adapter calls its base; empty: by what is there
  std::string dtype = "base";                 ///< of hf: base | float32 | bfloat16 | float16
  std::uint64_t shard_bytes = 5'000'000'000;  ///< of hf
  bool overwrite = false;
};

/// Converts a model between a Hugging Face folder and a GGUF file, or an adapter between PEFT's folder and a
/// GGUF file or into its portable form. The output appears under its name only when it is complete. Nothing
/// when a signal ended it; then, as after any error, what was at the output is as it was.
///
/// Throws: Error kUsage for a direction that does not exist for the input; kInput; kRefused; kResources.
std::optional<Conversion> run_convert(const ConvertRequest& request, const Environment& environment,
                                      const GgufProgress& progress);

}  // namespace lore
