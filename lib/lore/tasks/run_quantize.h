#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/tasks/adapter_group.h"
#include "lore/tasks/environment.h"
#include "lore/tasks/gguf_stream.h"
#include "lore/tasks/logit_difference.h"

namespace lore {

/// What `lore quantize` is asked to do.
struct QuantizeRequest {
  std::string model;   ///< folder, GGUF file or hub id
  std::string format;  ///< a name of gguf_formats or int_formats
  std::filesystem::path output;
  std::vector<WeightedAdapter> adapters;  ///< merged first
  std::string method = "auto";            ///< auto | rtn | importance | gptq
  std::string calibration;                ///< text that the methods look at, or empty
  std::int64_t calibration_tokens = 8192;
  std::string imatrix;       ///< importance that is read instead of collected, or empty
  std::string save_imatrix;  ///< where what was collected is written, or empty
  std::string evaluate;      ///< text on which the loss is measured, or empty for a default text
  std::int64_t evaluate_tokens = 4096;
  std::uint64_t shard_bytes = 5'000'000'000;  ///< of a folder
  bool requantize = false;                    ///< of a model that is quantized already
  bool verify = true;                         ///< whether the loss is measured
  bool overwrite = false;
  bool allow_base_mismatch = false;
};

/// What came of it.
struct QuantizeOutcome {
  std::string type;    ///< "Q4_K_M", "W4A16"
  std::string method;  ///< rtn | importance | gptq
  std::size_t tensors = 0;
  std::uint64_t bytes = 0;         ///< of the tensors
  std::uint64_t source_bytes = 0;  ///< of the files with the weights that it was made of
  double bits_per_weight = 0;
  std::vector<GgufFallback> fallbacks;
  std::vector<std::string> unfit;  ///< modules of a folder that stay as they are
  std::string calibration;         ///< name of the text or the importance file; empty without
  std::int64_t calibration_tokens = 0;
  std::string evaluation;  ///< "default text" or the file's name
  std::int64_t evaluation_tokens = 0;
  std::optional<LogitDifference> difference;  ///< from the model before it was quantized
  std::vector<std::string> warnings;
  double write_seconds = 0;  ///< calibrated and written
};

/// Told what is being done, and of the share of it that is done, 0 to 1.
using QuantizeProgress = std::function<void(const std::string&, double)>;

/// Quantizes a model, with adapters merged into it on the way, into a GGUF file or a folder of
/// compressed-tensors that appears under its name only when it is complete, and measures what that cost.
/// Nothing when a signal ended it.
///
/// Throws: Error kUsage for methods and formats that do not go together; kInput; kRefused for a model that is
/// quantized already, an adapter of another base, or an output in use; kResources.
std::optional<QuantizeOutcome> run_quantize(const QuantizeRequest& request, const Environment& environment,
                                            const QuantizeProgress& progress);

nlohmann::ordered_json to_json(const QuantizeOutcome& outcome);

}  // namespace lore
