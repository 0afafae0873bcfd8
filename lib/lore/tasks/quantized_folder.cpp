#include "lore/tasks/quantized_folder.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "lore/codecs/int_codes.h"
#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/formats/safetensors_writer.h"
#include "lore/kernels/add_rounded.h"
#include "lore/kernels/parallel.h"
#include "lore/nn/model_parameters.h"
#include "lore/nn/tensor_dtype.h"
#include "lore/tasks/merge_plan.h"
#include "lore/tasks/unknown_tensors.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

bool is_packed(const IntFormat& format) { return !format.int8_activations; }

/// The tensors that a quantized matrix is stored as.
std::vector<TensorSpec> specs_of(const FolderTensor& tensor, const IntFormat& format, DType dtype) {
  if (tensor.group == 0) {
    return {{tensor.source, dtype, tensor.shape}};
  }
  const std::int64_t out = tensor.shape[0];
  const std::int64_t in = tensor.shape[1];
  const TensorSpec scale{tensor.source + "_scale", dtype, {out, in / tensor.group}};
  if (!is_packed(format)) {
    return {{tensor.source, DType::kI8, tensor.shape}, scale};
  }
  return {{tensor.source + "_packed", DType::kI32, {out, packed_words(in, format.bits)}},
          scale,
          {tensor.source + "_shape", DType::kI64, {2}}};
}

class Folder {
 public:
  Folder(const FolderPlan& plan, const WeightSource& source, const std::filesystem::path& folder,
         const GgufProgress& progress)
      : plan_(plan), source_(source), progress_(progress) {
    for (std::size_t shard = 0; shard < plan.shards.size(); ++shard) {
      files_.push_back(std::make_unique<SafetensorsWriter>(
          folder / shard_name(shard, plan.shards.size()), plan.shards[shard],
          std::map<std::string, std::string>{{"format", "pt"}}));
    }
  }

  void write_matrix(const FolderTensor& tensor, const IntMatrix& matrix) {
    const std::int64_t out = tensor.shape[0];
    const std::int64_t in = tensor.shape[1];
    std::size_t place = 0;
    if (is_packed(plan_.format)) {
      const std::int64_t words = packed_words(in, plan_.format.bits);
      std::vector<std::uint32_t> packed(static_cast<std::size_t>(out * words));
      parallel_for(
          0, out, std::max<std::int64_t>(1, (1 << 16) / in), [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t r = first; r < last; ++r) {
              pack_codes(std::span(matrix.codes)
                             .subspan(static_cast<std::size_t>(r * in), static_cast<std::size_t>(in)),
                         plan_.format.bits,
                         std::span(packed).subspan(static_cast<std::size_t>(r * words),
                                                   static_cast<std::size_t>(words)));
            }
          });
      write(tensor, place++, std::as_bytes(std::span(packed)));
    } else {
      write(tensor, place++, std::as_bytes(std::span(matrix.codes)));
    }
    std::vector<std::byte> scales(matrix.scales.size() * size_of(plan_.dtype));
    round_to(matrix.scales.data(), static_cast<std::int64_t>(matrix.scales.size()), *torch_dtype(plan_.dtype),
             scales.data());
    write(tensor, place++, scales);
    if (is_packed(plan_.format)) {
      write(tensor, place++, std::as_bytes(std::span(tensor.shape)));
    }
  }

  void write_plain(const FolderTensor& tensor) {
    const std::int64_t columns = tensor.shape.back();
    const std::int64_t rows = tensor.shape.size() == 2 ? tensor.shape[0] : 1;
    const std::size_t row_bytes = static_cast<std::size_t>(columns) * size_of(plan_.dtype);
    const auto convert = [&](std::int64_t first, std::int64_t last) {
      const std::int64_t step = std::max<std::int64_t>(1, (1 << 18) / columns);
      std::vector<float> values(static_cast<std::size_t>(std::min(step, last - first) * columns));
      std::vector<std::byte> bytes(values.size() * size_of(plan_.dtype));
      for (std::int64_t row = first; row < last; row += step) {
        const std::int64_t count = std::min(step, last - row);
        source_.read_rows(tensor.source, tensor.shape, row, count, values.data());
        if (!round_to(values.data(), count * columns, *torch_dtype(plan_.dtype), bytes.data())) {
          refuse(tensor, std::span(values).first(static_cast<std::size_t>(count * columns)));
        }
        files_[tensor.shard]->write(tensor.first_spec, static_cast<std::size_t>(row) * row_bytes,
                                    std::span(bytes).first(static_cast<std::size_t>(count) * row_bytes));
      }
    };
    parallel_for(0, rows, std::max<std::int64_t>(1, (1 << 16) / columns), convert);
    tell(static_cast<std::size_t>(rows) * row_bytes);
  }

  void flush() {
    for (const auto& file : files_) {
      file->flush();
    }
  }

 private:
  void write(const FolderTensor& tensor, std::size_t part, std::span<const std::byte> bytes) {
    files_[tensor.shard]->write(tensor.first_spec + part, 0, bytes);
    tell(bytes.size());
  }

  void tell(std::uint64_t bytes) {
    written_ += bytes;
    progress_(written_, plan_.bytes);
  }

  [[noreturn]] void refuse(const FolderTensor& tensor, std::span<const float> values) const {
    const std::string subject = fmt::format("tensor {}", tensor.source);
    if (!all_finite(std::as_bytes(values).data(), static_cast<std::int64_t>(values.size()), at::kFloat)) {
      throw Error(ErrorKind::kInput, subject, "holds NaN or infinite values");
    }
    throw Error(ErrorKind::kRefused, subject,
                fmt::format("holds a value that is too large for {}", config_name(plan_.dtype)));
  }

  const FolderPlan& plan_;
  const WeightSource& source_;
  const GgufProgress& progress_;
  std::vector<std::unique_ptr<SafetensorsWriter>> files_;
  std::uint64_t written_ = 0;
};

void write_index(const FolderPlan& plan, const std::filesystem::path& folder) {
  if (plan.shards.size() == 1) {
    return;
  }
  Json places = Json::object();
  for (std::size_t shard = 0; shard < plan.shards.size(); ++shard) {
    for (const TensorSpec& spec : plan.shards[shard]) {
      places[spec.name] = shard_name(shard, plan.shards.size());
    }
  }
  const Json index{{"metadata", {{"total_size", plan.bytes}}}, {"weight_map", places}};
  write_file_atomically(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

/// "q_proj" of "model.layers.3.self_attn.q_proj.weight".
std::string leaf_of(const std::string& tensor) {
  const std::string module = tensor.substr(0, tensor.rfind('.'));
  return module.substr(module.rfind('.') + 1);
}

}  // namespace

FolderPlan plan_folder(const WeightSource& source, const IntFormat& format, DType dtype,
                       std::uint64_t shard_bytes) {
  const std::vector<ParameterShape> parameters = model_parameters(source.config());
  refuse_unknown_tensors(source);
  std::set<std::string> linears;
  for (const LinearShape& linear : model_linears(source.config())) {
    linears.insert(linear.name + ".weight");
  }
  FolderPlan plan{format, dtype, {}, {}, {}, 0};
  std::uint64_t filled = 0;
  for (const ParameterShape& parameter : parameters) {
    FolderTensor tensor{parameter.name, parameter.shape, 0, 0, 0};
    if (linears.contains(parameter.name)) {
      tensor.group = group_of(format, parameter.shape[1]);
      if (tensor.group == 0) {
        plan.unfit.push_back(parameter.name.substr(0, parameter.name.rfind('.')));
      }
    }
    const std::vector<TensorSpec> specs = specs_of(tensor, format, dtype);
    std::uint64_t bytes = 0;
    for (const TensorSpec& spec : specs) {
      bytes += *byte_size(spec.dtype, spec.shape);
    }
    if (plan.shards.empty() || (filled > 0 && filled + bytes > shard_bytes)) {
      plan.shards.emplace_back();
      filled = 0;
    }
    filled += bytes;
    plan.bytes += bytes;
    tensor.shard = plan.shards.size() - 1;
    tensor.first_spec = plan.shards.back().size();
    plan.shards.back().insert(plan.shards.back().end(), specs.begin(), specs.end());
    plan.tensors.push_back(std::move(tensor));
  }
  return plan;
}

bool write_folder_tensors(const FolderPlan& plan, const WeightSource& source, const IntMatrixOf& matrix_of,
                          const std::filesystem::path& folder, const std::function<bool()>& stop,
                          const GgufProgress& progress) {
  Folder files(plan, source, folder, progress);
  for (const FolderTensor& tensor : plan.tensors) {
    if (stop()) {
      return false;
    }
    if (tensor.group == 0) {
      files.write_plain(tensor);
    } else {
      files.write_matrix(tensor, matrix_of(tensor));
    }
  }
  files.flush();
  write_index(plan, folder);
  return true;
}

Json quantization_config(const FolderPlan& plan) {
  std::map<std::int64_t, std::set<std::string>> leaves;  // by group
  for (const FolderTensor& tensor : plan.tensors) {
    if (tensor.group != 0) {
      leaves[plan.format.groups ? tensor.group : 0].insert(leaf_of(tensor.source));
    }
  }
  const char* layout = is_packed(plan.format) ? "pack-quantized" : "int-quantized";
  Json activations;
  if (plan.format.int8_activations) {
    activations = {
        {"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", "token"}, {"dynamic", true}};
  }
  Json groups = Json::object();
  for (const auto& [group, names] : leaves) {
    Json targets = Json::array({"Linear"});
    if (leaves.size() > 1) {
      targets = Json::array();
      for (const std::string& name : names) {
        targets.push_back(fmt::format("re:.*{}$", name));
      }
    }
    groups[fmt::format("group_{}", groups.size())] = {{"targets", targets},
                                                      {"weights",
                                                       {{"num_bits", plan.format.bits},
                                                        {"type", "int"},
                                                        {"symmetric", true},
                                                        {"strategy", group > 0 ? "group" : "channel"},
                                                        {"group_size", group > 0 ? Json(group) : Json()},
                                                        {"dynamic", false}}},
                                                      {"input_activations", activations},
                                                      {"output_activations", nullptr},
                                                      {"format", layout}};
  }
  Json ignored = Json::array({"lm_head"});
  for (const std::string& module : plan.unfit) {
    ignored.push_back(module);
  }
  return {{"quant_method", "compressed-tensors"},
          {"format", layout},
          {"quantization_status", "compressed"},
          {"config_groups", groups},
          {"ignore", ignored},
          {"kv_cache_scheme", nullptr}};
}

}  // namespace lore
