#pragma once

#include <string>
#include <vector>

#include "lore/nn/model_parameters.h"
#include "lore/tasks/environment.h"
#include "lore/tasks/inspection.h"
#include "lore/tasks/tensor_scan.h"

namespace lore {

/// Puts down how many tensors, parameters and bytes there are, by type.
void describe_tensors(const std::vector<ScanInput>& tensors, Inspection& inspection);

/// Reads the values of `tensors` when `deep`, or when they are few; names those with NaN or infinities, and
/// matrices of zeros.
void check_values(const std::vector<ScanInput>& tensors, bool deep, const Environment& environment,
                  Inspection& inspection);

/// Compares names and shapes with the parameters of a configuration, under the names the file gives them.
void check_parameters(const std::vector<ParameterShape>& expected, const std::vector<ScanInput>& tensors,
                      const std::vector<std::string>& allowed, Inspection& inspection);

/// "llama: 30 layers, hidden 576, 9 heads (3 key/value), ...".
void describe_architecture(const LlamaConfig& config, Inspection& inspection);

/// Loads tokenizer and chat template of a model, as far as it has them.
void describe_text(const std::filesystem::path& model, const LlamaConfig* config, Inspection& inspection);

}  // namespace lore
