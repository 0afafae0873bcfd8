#include "lore/tasks/inspect_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "lore/codecs/ggml_blocks.h"
#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/formats/checkpoint.h"
#include "lore/formats/json_file.h"
#include "lore/nn/compressed_weights.h"
#include "lore/nn/gguf_source.h"
#include "lore/tasks/inspect_values.h"
#include "lore/tasks/model_files.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

template <class Look>
void attempt(Inspection& inspection, const Look& look) {
  try {
    look();
  } catch (const Error& error) {
    inspection.problem(error.what());
  }
}

std::vector<ScanInput> scan_inputs(const Checkpoint& checkpoint) {
  std::vector<ScanInput> inputs;
  inputs.reserve(checkpoint.tensors().size());
  for (const TensorView& view : checkpoint.tensors()) {
    inputs.push_back({view.name, view.dtype, view.shape, view.bytes, checkpoint.file_of(view)});
  }
  return inputs;
}

std::vector<ScanInput> scan_inputs(const GgufFile& file) {
  std::vector<ScanInput> inputs;
  inputs.reserve(file.tensors().size());
  for (const GgufTensor& tensor : file.tensors()) {
    inputs.push_back({tensor.name, tensor.type, tensor.shape, tensor.bytes, file.file()});
  }
  return inputs;
}

/// Checks what compressed-tensors quantized, and takes it off `expected`. Returns the names of its parts.
std::vector<std::string> check_compressed(const Checkpoint& checkpoint, const std::string& folder,
                                          std::vector<ParameterShape>& expected, Inspection& inspection) {
  std::vector<std::string> parts;
  std::erase_if(expected, [&](const ParameterShape& parameter) {
    bool compressed = true;
    attempt(inspection, [&] {
      compressed = find_compressed(checkpoint, parameter.name, parameter.shape, folder).has_value();
    });
    if (compressed) {
      parts.push_back(parameter.name);
      std::ranges::move(compressed_names(parameter.name), std::back_inserter(parts));
    }
    return compressed;
  });
  if (!parts.empty()) {
    inspection.fact("quantized", "compressed-tensors");
  }
  return parts;
}

void refuse_types(const std::vector<ScanInput>& tensors, const std::vector<std::string>& parts,
                  Inspection& inspection) {
  for (const ScanInput& tensor : tensors) {
    if (std::ranges::find(parts, tensor.name) != parts.end()) {
      continue;
    }
    const auto* dtype = std::get_if<DType>(&tensor.type);
    const auto* type = std::get_if<GgmlType>(&tensor.type);
    if (dtype != nullptr && *dtype != DType::kF32 && *dtype != DType::kF16 && *dtype != DType::kBF16) {
      inspection.problem(fmt::format("tensor {}: expected F32, F16 or BF16, got {}", printable(tensor.name),
                                     name_of(*dtype)),
                         "dtype");
    } else if (type != nullptr && !can_decode(*type)) {
      inspection.problem(
          fmt::format("tensor {}: is stored as {}, which Lore does not read; quantize the model to "
                      "Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K",
                      printable(tensor.name), name_of(*type)),
          "dtype");
    }
  }
}

/// A tied head may be stored besides; transformers and Lore then read the embeddings.
void check_tied_head(const Checkpoint& checkpoint, const LlamaConfig& config, Inspection& inspection) {
  const TensorView* head = checkpoint.find("lm_head.weight");
  const TensorView* embedding = checkpoint.find("model.embed_tokens.weight");
  if (config.tie_word_embeddings && head != nullptr && embedding != nullptr &&
      !std::ranges::equal(head->bytes, embedding->bytes)) {
    inspection.warnings.emplace_back(
        "tensor lm_head.weight differs from model.embed_tokens.weight, but tie_word_embeddings is true: it "
        "is not "
        "used");
  }
}

void describe_files(const Checkpoint& checkpoint, Inspection& inspection) {
  const std::vector<fs::path> files = checkpoint.files();
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const fs::path& file : files) {
    names.push_back(file.filename().string());
  }
  inspection.fact("files", files.size() == 1 ? names.front()
                                             : fmt::format("{} shards, {} to {}", files.size(), names.front(),
                                                           names.back()));
  inspection.details["files"] = names;
}

void describe_licence(const fs::path& model, Inspection& inspection) {
  const std::string licence = licence_of(model);
  inspection.fact("licence", licence.empty() ? "none named" : printable(licence));
  inspection.details["license"] =
      licence.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(licence);
}

/// Of a folder that `lore merge` made: where it comes from.
void describe_merge(const fs::path& folder, Inspection& inspection) {
  if (!fs::exists(folder / "lore_merge.json")) {
    return;
  }
  const nlohmann::json merge = read_json_file(folder / "lore_merge.json");
  try {
    const bool proved = merge.at("proof").at("verified").get<bool>();
    inspection.fact("merged",
                    fmt::format("{} into {}{}", printable(merge.at("adapter").at("name").get<std::string>()),
                                printable(merge.at("base").at("name").get<std::string>()),
                                proved ? ", proved" : ", not proved"));
  } catch (const nlohmann::json::exception&) {
    inspection.problem("lore_merge.json: does not name \"adapter\", \"base\" and \"proof\"");
  }
}

/// The factors of a GGUF adapter: "NAME.lora_a" [r, in] and "NAME.lora_b" [out, r], on the embeddings [V, r]
/// and [D, r].
void describe_gguf_adapter(const GgufFile& file, Inspection& inspection) {
  const std::string type(file.text("adapter.type").value_or(""));
  if (type != "lora") {
    inspection.problem(fmt::format("adapter.type is {}; only \"lora\" is read", in_quotes(type)));
    return;
  }
  const std::optional<double> alpha = file.real("adapter.lora.alpha");
  nlohmann::ordered_json modules = nlohmann::ordered_json::array();
  for (const GgufTensor& a : file.tensors()) {
    constexpr std::string_view kEnd = ".lora_a";
    if (!a.name.ends_with(kEnd)) {
      continue;
    }
    const std::string module = a.name.substr(0, a.name.size() - kEnd.size());
    const GgufTensor* b = file.find(module + ".lora_b");
    const std::size_t rank_of_a = module == "token_embd.weight" ? 1 : 0;
    const bool matrices =
        b != nullptr && a.shape.size() == 2 && b->shape.size() == 2 && a.shape[rank_of_a] == b->shape[1];
    if (!matrices) {
      inspection.problem(fmt::format("tensor {}: its partner {}.lora_b is missing or of another rank",
                                     printable(a.name), printable(module)),
                         "partner");
      continue;
    }
    const auto rank = static_cast<double>(b->shape[1]);
    modules.push_back({{"module", module},
                       {"rank", b->shape[1]},
                       {"in", rank_of_a == 0 ? a.shape[1] : b->shape[0]},
                       {"out", rank_of_a == 0 ? b->shape[0] : a.shape[0]},
                       {"scale", alpha ? nlohmann::ordered_json(*alpha / rank) : nlohmann::ordered_json()}});
  }
  inspection.fact("adapter", fmt::format("lora, alpha {}, {} modules",
                                         alpha ? fmt::format("{:g}", *alpha) : "not given", modules.size()));
  if (modules.empty()) {
    inspection.problem("holds no pair of lora_a and lora_b");
  }
  inspection.details["lora_alpha"] = alpha ? nlohmann::ordered_json(*alpha) : nlohmann::ordered_json();
  inspection.details["modules"] = std::move(modules);
}

/// The parameters of a model under GGUF's names.
std::vector<ParameterShape> gguf_parameters(const LlamaConfig& config) {
  std::vector<ParameterShape> parameters = model_parameters(config);
  for (ParameterShape& parameter : parameters) {
    parameter.name = gguf_tensor_name(parameter.name);
  }
  return parameters;
}

}  // namespace

Inspection inspect_checkpoint(const fs::path& folder, bool deep, const Environment& environment) {
  Inspection inspection;
  inspection.kind = "model";
  inspection.path = folder.string();
  std::optional<LlamaConfig> config;
  attempt(inspection, [&] {
    const fs::path file = folder / "config.json";
    config = LlamaConfig::from_hf(read_json_file(file), file.string());
    describe_architecture(*config, inspection);
  });
  attempt(inspection, [&] {
    const Checkpoint checkpoint = Checkpoint::open(folder);
    const std::vector<ScanInput> tensors = scan_inputs(checkpoint);
    describe_tensors(tensors, inspection);
    describe_files(checkpoint, inspection);
    std::vector<std::string> parts;
    if (config) {
      std::vector<ParameterShape> expected = model_parameters(*config);
      parts = check_compressed(checkpoint, folder.string(), expected, inspection);
      std::vector<std::string> allowed = parts;
      if (config->tie_word_embeddings) {
        allowed.emplace_back("lm_head.weight");
      }
      check_parameters(expected, tensors, allowed, inspection);
      check_tied_head(checkpoint, *config, inspection);
    }
    refuse_types(tensors, parts, inspection);
    check_values(tensors, deep, environment, inspection);
  });
  describe_text(folder, config ? &*config : nullptr, inspection);
  attempt(inspection, [&] { describe_licence(folder, inspection); });
  attempt(inspection, [&] { describe_merge(folder, inspection); });
  return inspection;
}

Inspection inspect_gguf(const fs::path& file, bool deep, const Environment& environment) {
  Inspection inspection;
  inspection.kind = "GGUF model";
  inspection.path = file.string();
  attempt(inspection, [&] {
    const GgufFile gguf = GgufFile::open(file);
    const std::vector<ScanInput> tensors = scan_inputs(gguf);
    const bool adapter = gguf.text("general.type").value_or("") == "adapter";
    const bool vocabulary = tensors.empty();
    inspection.kind = adapter ? "GGUF adapter" : vocabulary ? "GGUF vocabulary" : "GGUF model";
    inspection.fact("format", fmt::format("GGUF version {}, architecture {}, name {}", gguf.version(),
                                          printable(gguf.text("general.architecture").value_or("not named")),
                                          in_quotes(gguf.text("general.name").value_or(""))));
    inspection.details["gguf_version"] = gguf.version();
    describe_tensors(tensors, inspection);
    std::optional<LlamaConfig> config;
    if (adapter) {
      describe_gguf_adapter(gguf, inspection);
    } else if (!vocabulary) {
      attempt(inspection, [&] {
        config = LlamaConfig::from_gguf(gguf, file.string());
        describe_architecture(*config, inspection);
        check_parameters(gguf_parameters(*config), tensors, {"rope_freqs.weight"}, inspection);
      });
      refuse_types(tensors, {}, inspection);
    }
    if (!vocabulary) {
      check_values(tensors, deep, environment, inspection);
    }
    if (!adapter) {
      describe_text(file, config ? &*config : nullptr, inspection);
    }
    describe_licence(file, inspection);
  });
  return inspection;
}

Inspection inspect_safetensors(const fs::path& file, bool deep, const Environment& environment) {
  Inspection inspection;
  inspection.kind = "safetensors file";
  inspection.path = file.string();
  attempt(inspection, [&] {
    const SafetensorsFile safetensors = SafetensorsFile::open(file);
    std::vector<ScanInput> tensors;
    tensors.reserve(safetensors.tensors().size());
    for (const TensorView& view : safetensors.tensors()) {
      tensors.push_back({view.name, view.dtype, view.shape, view.bytes, safetensors.file()});
    }
    describe_tensors(tensors, inspection);
    check_values(tensors, deep, environment, inspection);
  });
  return inspection;
}

}  // namespace lore
