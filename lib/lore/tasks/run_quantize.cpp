#include "lore/tasks/run_quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"
#include "lore/formats/hf_cache.h"
#include "lore/formats/json_file.h"
#include "lore/nn/model_parameters.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/convert_model.h"
#include "lore/tasks/gguf_tokenizer_files.h"
#include "lore/tasks/gptq.h"
#include "lore/tasks/importance_file.h"
#include "lore/tasks/merge_plan.h"
#include "lore/tasks/merge_probe.h"
#include "lore/tasks/merge_source.h"
#include "lore/tasks/merged_config.h"
#include "lore/tasks/merged_source.h"
#include "lore/tasks/model_comparison.h"
#include "lore/tasks/model_files.h"
#include "lore/tasks/output_place.h"
#include "lore/tasks/quantized_folder.h"
#include "lore/tasks/text_windows.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr const char* kReportName = "lore_quantize.json";

/// What most of a model is stored as when that is a quantized type: "Q4_1"; empty otherwise.
std::string quantized_as(const fs::path& model) {
  if (!fs::is_directory(model)) {
    const GgmlType type = main_type(model);
    return is_quantized(type) ? std::string(name_of(type)) : "";
  }
  const nlohmann::json config = read_json_file(model / "config.json");
  return config.is_object() && config.value("quantization_config", nlohmann::json()).is_object()
             ? "compressed-tensors"
             : "";
}

/// The one of float32, float16 and bfloat16 that a folder made of the model should have.
DType folder_dtype(const fs::path& model) {
  const GgmlType type = main_type(model);
  return type == GgmlType::kF32 ? DType::kF32 : type == GgmlType::kF16 ? DType::kF16 : DType::kBF16;
}

class QuantizeRun {
 public:
  QuantizeRun(const QuantizeRequest& request, const Environment& environment,
              const QuantizeProgress& progress)
      : request_(request), environment_(environment), progress_(progress) {
    gguf_ = gguf_format_named(request.format);
    integers_ = int_format_named(request.format);
    check_methods();
    model_ = find_model(request.model, fs::current_path(), environment.cache_roots);
    output_ = tidy_output(request.output);
    check_place();
    base_ = open_weights(model_);
    for (const fs::path& file : base_->files()) {
      outcome_.source_bytes += fs::file_size(file);
    }
    outcome_.warnings = base_->config().warnings;
    check_precision();
  }

  std::optional<QuantizeOutcome> run() {
    const Clock::time_point start = Clock::now();
    if (!open_adapters() || !weigh_columns()) {
      return std::nullopt;
    }
    AtomicFolder scratch(output_);
    const fs::path written = gguf_ != nullptr ? scratch.staging() / "model.gguf" : scratch.staging();
    if (!(gguf_ != nullptr ? write_file(written) : write_folder(written))) {
      return std::nullopt;
    }
    outcome_.write_seconds = std::chrono::duration<double>(Clock::now() - start).count();
    outcome_.bits_per_weight = 8.0 * static_cast<double>(outcome_.bytes) / static_cast<double>(weights());
    if (request_.verify && !measure(written)) {
      return std::nullopt;
    }
    put_in_place(scratch, written);
    return outcome_;
  }

 private:
  bool stopped() const { return *environment_.signal != 0; }

  void check_methods() {
    if (gguf_ == nullptr && integers_ == nullptr) {
      std::string names = gguf_format_names();
      for (const IntFormat& format : int_formats()) {
        names += fmt::format(", {}", format.name);
      }
      throw Error(ErrorKind::kUsage, "--format",
                  fmt::format("\"{}\" is not known; it is {}", request_.format, names));
    }
    const bool looks = !request_.calibration.empty() || !request_.imatrix.empty();
    std::string& method = outcome_.method;
    method = request_.method;
    if (method == "auto") {
      method = !looks ? "rtn" : integers_ != nullptr && !request_.calibration.empty() ? "gptq" : "importance";
    }
    if (method == "gptq" && integers_ == nullptr) {
      throw Error(ErrorKind::kUsage, "--method",
                  "gptq is for the formats hf:...; GGUF files take importance");
    }
    if (method == "gptq" && request_.calibration.empty()) {
      throw Error(ErrorKind::kUsage, "--method", "gptq needs a text to look at: give --calibration FILE");
    }
    if (method == "importance" && !looks) {
      throw Error(ErrorKind::kUsage, "--method", "importance needs --calibration FILE or --imatrix FILE");
    }
    if (method == "rtn" && looks) {
      throw Error(ErrorKind::kUsage, "--method",
                  "rtn looks at no text: leave out --calibration and --imatrix");
    }
    if (!request_.calibration.empty() && !request_.imatrix.empty()) {
      throw Error(ErrorKind::kUsage, "--imatrix",
                  "is read instead of a calibration text: give one of the two");
    }
    if (!request_.save_imatrix.empty() && (method != "importance" || request_.calibration.empty())) {
      throw Error(ErrorKind::kUsage, "--save-imatrix",
                  "writes what --method importance collects from --calibration FILE");
    }
  }

  void check_place() const {
    std::vector<fs::path> inputs{model_};
    for (const WeightedAdapter& adapter : request_.adapters) {
      inputs.emplace_back(adapter.folder);
    }
    if (gguf_ != nullptr) {
      check_gguf_output(output_, inputs, request_.overwrite);
    } else {
      check_output(output_, inputs, {request_.overwrite, kReportName, "a quantized model"});
    }
  }

  void check_precision() {
    const std::string type = quantized_as(model_);
    if (type.empty() || request_.requantize) {
      return;
    }
    if (request_.adapters.empty()) {
      throw Error(
          ErrorKind::kRefused, model_.string(),
          fmt::format("is quantized already ({}): quantizing it again adds to what that lost. Quantize the "
                      "original, dequantize it with `lore convert` ({}), or say --requantize",
                      type, fs::is_directory(model_) ? "--to gguf:bf16" : "--to hf"));
    }
    outcome_.warnings.push_back(
        fmt::format("the base is quantized already ({}): what that lost stays lost in the result", type));
  }

  /// Whether no signal ended it.
  bool open_adapters() {
    source_ = base_.get();
    if (request_.adapters.empty()) {
      return true;
    }
    check_bindings();
    const auto stop = [&] { return stopped(); };
    merge_ = open_merge_source(request_.adapters, 1, adaptable_modules(base_->config()), output_, stop);
    if (!merge_) {
      return false;
    }
    adapter_ = std::make_unique<StoredAdapter>(
        StoredAdapter::open(merge_->folder, base_->config(), outcome_.warnings, weights_of(*base_)));
    merged_ = std::make_unique<MergedSource>(*base_, *adapter_);
    source_ = merged_.get();
    return !stopped();
  }

  void check_bindings() {
    for (const WeightedAdapter& adapter : request_.adapters) {
      const std::optional<BaseBinding> binding = read_base_binding(adapter.folder);
      if (!binding) {
        continue;
      }
      const TensorsDigest digest =
          digest_tensors(base_->files(), FileMemo(environment_.hash_dir), [&] { return stopped(); });
      const std::string difference = base_difference(*binding, base_name(model_, request_.model), digest);
      if (difference.empty() || stopped()) {
        continue;
      }
      if (!request_.allow_base_mismatch) {
        throw Error(ErrorKind::kRefused, request_.model,
                    difference + "; give that base, or --allow-base-mismatch to merge all the same");
      }
      outcome_.warnings.push_back(difference + "; merging all the same (--allow-base-mismatch)");
    }
  }

  /// Whether no signal ended it.
  bool weigh_columns() {
    if (!request_.calibration.empty()) {
      calibration_ =
          text_windows(request_.calibration, model_, source_->config(), request_.calibration_tokens);
      outcome_.calibration = fs::path(request_.calibration).filename().string();
      outcome_.calibration_tokens = tokens_of(calibration_);
    }
    if (outcome_.method != "importance") {
      return true;
    }
    if (!request_.imatrix.empty()) {
      ImportanceFile file = read_importance(request_.imatrix, source_->config());
      importance_ = std::move(file.importance);
      outcome_.calibration = fs::path(request_.imatrix).filename().string();
      outcome_.calibration_tokens = file.tokens;
      return true;
    }
    std::optional<Importance> collected = collect_importance(
        *source_, calibration_, [&] { return stopped(); },
        [&](std::int64_t done, std::int64_t all) {
          progress_("calibrating", static_cast<double>(done) / static_cast<double>(all));
        });
    if (!collected) {
      return false;
    }
    importance_ = std::move(*collected);
    if (!request_.save_imatrix.empty()) {
      write_importance(request_.save_imatrix,
                       {importance_, outcome_.calibration, outcome_.calibration_tokens});
    }
    return true;
  }

  GgufProgress writing() const {
    return [this](std::uint64_t done, std::uint64_t all) {
      progress_(outcome_.method == "gptq" ? "calibrating and writing" : "writing",
                static_cast<double>(done) / static_cast<double>(all));
    };
  }

  bool write_file(const fs::path& file) {
    const std::string name =
        request_.adapters.empty() ? base_name(model_, request_.model) : output_.stem().string();
    const auto written =
        write_gguf_model(*source_, model_, name, *gguf_, importance_, file, environment_, writing());
    if (!written) {
      return false;
    }
    // The source's own warnings are told already, with what became of them.
    for (const std::string& warning : written->warnings) {
      if (std::find(outcome_.warnings.begin(), outcome_.warnings.end(), warning) == outcome_.warnings.end()) {
        outcome_.warnings.push_back(warning);
      }
    }
    outcome_.type = written->type;
    outcome_.tensors = written->tensors;
    outcome_.bytes = written->bytes;
    outcome_.fallbacks = written->fallbacks;
    return true;
  }

  bool write_folder(const fs::path& folder) {
    const DType dtype = folder_dtype(model_);
    const FolderPlan plan = plan_folder(*source_, *integers_, dtype, request_.shard_bytes);
    check_space(output_, plan.bytes);
    std::unique_ptr<GptqQuantizer> gptq;
    if (outcome_.method == "gptq") {
      gptq = std::make_unique<GptqQuantizer>(*source_, calibration_, *integers_, dtype);
    }
    const IntMatrixOf matrix_of = [&](const FolderTensor& tensor) {
      return gptq ? (*gptq)(tensor)
                  : round_to_nearest(*source_, tensor.source, tensor.shape, *integers_,
                                     importance_.of(tensor.source), dtype);
    };
    if (!write_folder_tensors(
            plan, *source_, matrix_of, folder, [&] { return stopped(); }, writing())) {
      return false;
    }
    write_config(plan, folder);
    outcome_.type = integers_->label;
    outcome_.tensors = plan.tensors.size();
    outcome_.bytes = plan.bytes;
    outcome_.unfit = plan.unfit;
    return true;
  }

  void write_config(const FolderPlan& plan, const fs::path& folder) {
    const std::string_view dtype = config_name(plan.dtype);
    const bool unties = base_->config().tie_word_embeddings && !source_->config().tie_word_embeddings;
    const bool is_folder = fs::is_directory(model_);
    Json config = is_folder ? merged_config(read_ordered_json_file(model_ / "config.json"), dtype, unties)
                            : config_from_gguf(model_, base_->config(), dtype, unties);
    config["quantization_config"] = quantization_config(plan);
    write_file_atomically(folder / "config.json", config.dump(2) + "\n");
    if (is_folder) {
      copy_model_files(model_, folder);
      return;
    }
    if (const TokenizerFiles files = write_gguf_tokenizer(model_, folder); !files.missing.empty()) {
      outcome_.warnings.push_back(files.missing);
    }
  }

  static std::int64_t tokens_of(const TokenSequences& sequences) {
    std::int64_t tokens = 0;
    for (const auto& sequence : sequences) {
      tokens += static_cast<std::int64_t>(sequence.size());
    }
    return tokens;
  }

  /// Elements of the tensors.
  std::int64_t weights() const {
    std::int64_t count = 0;
    for (const ParameterShape& parameter : model_parameters(source_->config())) {
      count += parameter.shape.size() == 2 ? parameter.shape[0] * parameter.shape[1] : parameter.shape[0];
    }
    return count;
  }

  /// Whether no signal ended it.
  bool measure(const fs::path& written) {
    TokenSequences sequences;
    if (request_.evaluate.empty()) {
      MergeProbe probe = make_probe(model_, {}, source_->config());
      outcome_.evaluation = probe.source;
      sequences = std::move(probe.sequences);
    } else {
      outcome_.evaluation = fs::path(request_.evaluate).filename().string();
      sequences = text_windows(request_.evaluate, model_, source_->config(), request_.evaluate_tokens);
    }
    outcome_.evaluation_tokens = tokens_of(sequences);
    const std::unique_ptr<WeightSource> quantized = open_weights(written);
    outcome_.difference = compare_models(
        *source_, *quantized, sequences, [&] { return stopped(); },
        [&](std::int64_t done, std::int64_t all) {
          progress_("measuring", static_cast<double>(done) / static_cast<double>(all));
        });
    return outcome_.difference.has_value();
  }

  void put_in_place(AtomicFolder& scratch, const fs::path& written) {
    if (gguf_ == nullptr) {
      write_file_atomically(written / kReportName, to_json(outcome_).dump(2) + "\n");
      scratch.commit();
      return;
    }
    std::error_code error;
    fs::rename(written, output_, error);
    if (error) {
      throw Error(ErrorKind::kResources, output_.string(), "cannot be written: " + error.message());
    }
  }

  const QuantizeRequest& request_;
  const Environment& environment_;
  const QuantizeProgress& progress_;
  const GgufFormat* gguf_ = nullptr;
  const IntFormat* integers_ = nullptr;
  fs::path model_;
  fs::path output_;
  std::unique_ptr<WeightSource> base_;
  std::optional<MergeSource> merge_;
  std::unique_ptr<StoredAdapter> adapter_;
  std::unique_ptr<MergedSource> merged_;
  const WeightSource* source_ = nullptr;  ///< what is quantized: the base, or the base with adapters merged
  TokenSequences calibration_;
  Importance importance_;
  QuantizeOutcome outcome_;
};

}  // namespace

std::optional<QuantizeOutcome> run_quantize(const QuantizeRequest& request, const Environment& environment,
                                            const QuantizeProgress& progress) {
  return QuantizeRun(request, environment, progress).run();
}

Json to_json(const QuantizeOutcome& outcome) {
  Json fallbacks = Json::array();
  for (const GgufFallback& fallback : outcome.fallbacks) {
    fallbacks.push_back({{"tensor", fallback.tensor},
                         {"wanted", name_of(fallback.wanted)},
                         {"stored", name_of(fallback.stored)}});
  }
  Json json{{"type", outcome.type},
            {"method", outcome.method},
            {"tensors", outcome.tensors},
            {"bytes", outcome.bytes},
            {"source_bytes", outcome.source_bytes},
            {"bits_per_weight", outcome.bits_per_weight},
            {"fallbacks", fallbacks},
            {"not_quantized", outcome.unfit},
            {"calibration", nullptr},
            {"evaluation", nullptr},
            {"warnings", outcome.warnings},
            {"write_seconds", outcome.write_seconds}};
  if (!outcome.calibration.empty()) {
    json["calibration"] = {{"text", outcome.calibration}, {"tokens", outcome.calibration_tokens}};
  }
  if (outcome.difference) {
    const LogitDifference& difference = *outcome.difference;
    json["evaluation"] = {
        {"text", outcome.evaluation},
        {"tokens", outcome.evaluation_tokens},
        {"before",
         {{"loss", difference.reference_loss}, {"perplexity", std::exp(difference.reference_loss)}}},
        {"after", {{"loss", difference.loss}, {"perplexity", std::exp(difference.loss)}}},
        {"kl", difference.kl},
        {"max_kl", difference.max_kl},
        {"max_abs", difference.max_abs},
        {"top1_agreement", difference.top1_agreement}};
  }
  return json;
}

}  // namespace lore
