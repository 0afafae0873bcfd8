#include "lore/tasks/run_train.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>

#include "lore/adapters/base_initialization.h"
#include "lore/adapters/peft_files.h"
#include "lore/core/error.h"
#include "lore/core/private_path.h"
#include "lore/data/bad_rows.h"
#include "lore/nn/model_parameters.h"
#include "lore/recipe/writer.h"
#include "lore/tasks/adapter_folder.h"
#include "lore/tasks/base_binding.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/model_files.h"
#include "lore/tasks/provenance.h"
#include "lore/tasks/run_folder.h"
#include "lore/tasks/training_data.h"
#include "lore/train/eva_start.h"
#include "lore/train/loss_plot.h"

namespace lore {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

at::ScalarType save_dtype(const std::string& name) {
  return name == "bfloat16" ? at::kBFloat16 : name == "float16" ? at::kHalf : at::kFloat;
}

/// Writes what happens into the run's folder and passes it on.
class Recorder final : public TrainObserver {
 public:
  /// `manifest` is asked once there is an adapter to write.
  Recorder(RunFolder& folder, const LoraAdapter& adapter, const LlamaForCausalLm& model, AdapterOrigin origin,
           std::function<Json()> manifest, TrainReporter& reporter)
      : folder_(folder),
        adapter_(adapter),
        model_(model),
        origin_(std::move(origin)),
        manifest_(std::move(manifest)),
        reporter_(reporter) {}

  void on_start(const TrainPlan& plan) override { reporter_.on_start(plan); }

  void on_step(const StepMetrics& metrics) override {
    folder_.append_metrics({{"kind", "train"},
                            {"step", metrics.step},
                            {"epoch", metrics.epoch},
                            {"loss", metrics.loss},
                            {"learning_rate", metrics.learning_rate},
                            {"grad_norm", metrics.grad_norm},
                            {"trained_tokens", metrics.trained_tokens},
                            {"tokens", metrics.tokens},
                            {"seconds", metrics.seconds},
                            {"tokens_per_second", static_cast<double>(metrics.tokens) / metrics.seconds},
                            {"peak_rss_bytes", metrics.peak_rss_bytes}});
    curves_.train.emplace_back(metrics.step, metrics.loss);
    origin_.steps = metrics.step;
    reporter_.on_step(metrics);
  }

  void on_validation(const ValidationMetrics& metrics) override {
    folder_.append_metrics({{"kind", "validation"},
                            {"step", metrics.step},
                            {"loss", metrics.loss},
                            {"trained_tokens", metrics.trained_tokens},
                            {"seconds", metrics.seconds}});
    curves_.validation.emplace_back(metrics.step, metrics.loss);
    origin_.validation = curves_.validation;
    if (metrics.best) {
      save("best", fmt::format("at the lowest validation loss, after step {}", metrics.step));
    }
    reporter_.on_validation(metrics);
  }

  void on_checkpoint(std::int64_t step) override {
    save(fmt::format("checkpoints/step-{:06}", step), fmt::format("after step {}", step));
    reporter_.on_checkpoint(step);
  }

  /// Writes the adapter as it now is into the folder `name` of the run.
  void save(const std::string& name, std::string moment) {
    const Json manifest = manifest_();
    origin_.moment = std::move(moment);
    origin_.base_sha256 = manifest.at("hashes").at("base").at("sha256").get<std::string>();
    write_adapter_folder(folder_.path() / name, adapter_, model_,
                         save_dtype(origin_.recipe->adapter.save_dtype), manifest, origin_);
  }

  const LossCurves& curves() const { return curves_; }

 private:
  RunFolder& folder_;
  const LoraAdapter& adapter_;
  const LlamaForCausalLm& model_;
  AdapterOrigin origin_;
  std::function<Json()> manifest_;
  TrainReporter& reporter_;
  LossCurves curves_;
};

/// Passes messages on from any thread, one at a time.
class SerialMessages final : public Messages {
 public:
  explicit SerialMessages(Messages& messages) : messages_(messages) {}

  void warning(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    messages_.warning(text);
  }
  void info(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    messages_.info(text);
  }

 private:
  Messages& messages_;
  std::mutex mutex_;
};

void refuse_foreign_ids(const Dataset& dataset, const LlamaConfig& config) {
  if (dataset.largest_id() >= config.vocab_size) {
    throw Error(
        ErrorKind::kInput, dataset.sources().front().path,
        fmt::format("token id {} is outside the model's vocabulary of {}: the tokenizer is not this model's",
                    dataset.largest_id(), config.vocab_size));
  }
}

void warn_of_long_examples(const Dataset& dataset, const LlamaConfig& config, Messages& messages) {
  std::int64_t count = 0;
  for (const std::int64_t length : dataset.lengths()) {
    count += length > config.max_position_embeddings ? 1 : 0;
  }
  if (count > 0) {
    messages.warning(fmt::format("{} example(s) are longer than the {} positions the model was made for",
                                 count, config.max_position_embeddings));
  }
}

LoraAdapter first_adapter(const Recipe& recipe, const BaseModel& base, Messages& messages) {
  if (recipe.adapter.init_from.empty()) {
    return create_lora(peft_config(recipe.adapter), *base.model, recipe.training.seed);
  }
  LoraAdapter adapter = load_adapter(recipe.adapter.init_from, *base.model, messages);
  if (recipe.adapter.use_dora && !adapter.config.use_dora) {
    throw Error(ErrorKind::kUsage, "adapter.use_dora",
                "is true, and the adapter of adapter.init_from is no DoRA; leave out one of the two");
  }
  adapter.config.lora_dropout = recipe.adapter.lora_dropout;
  for (const std::size_t linear : adapter.weights.linears()) {
    adapter.weights.find(linear)->dropout = recipe.adapter.lora_dropout;
  }
  if (adapter.config.r != recipe.adapter.r || adapter.config.lora_alpha != recipe.adapter.lora_alpha) {
    messages.warning(fmt::format(
        "adapter.init_from: its r {} and lora_alpha {:g} are used, not the recipe's {} and {:g}",
        adapter.config.r, adapter.config.lora_alpha, recipe.adapter.r, recipe.adapter.lora_alpha));
  }
  if (adapter.config.bias != recipe.adapter.bias ||
      adapter.config.modules_to_save != recipe.adapter.modules_to_save) {
    messages.warning(fmt::format(
        "adapter.init_from: its bias {} and modules_to_save [{}] are used, not the recipe's {} and [{}]",
        adapter.config.bias, fmt::join(adapter.config.modules_to_save, ", "), recipe.adapter.bias,
        fmt::join(recipe.adapter.modules_to_save, ", ")));
  }
  return adapter;
}

/// Embeddings and head are quantized with the rest, and an adapter's folder holds a copy of those it changes:
/// it would bind the adapter to the quantized base.
void refuse_encoded_embeddings(const LoraAdapter& adapter, const LlamaForCausalLm& model) {
  const Quantization quantization = model.form().quantization;
  if (quantization == Quantization::kNone || quantization == Quantization::kStored) {
    return;
  }
  const std::size_t head = model.linears().size() - 1;
  const std::size_t embedding = model.linears().size();
  const FullParameters& full = adapter.weights.full();
  if (adapter.weights.find(head) != nullptr || adapter.weights.find(embedding) != nullptr ||
      full.find(kHeadModule, "weight") != nullptr || full.find(kEmbeddingModule, "weight") != nullptr) {
    throw Error(ErrorKind::kUsage, "model.quantization",
                fmt::format("quantizes {} and {}, which the adapter is to change; leave them out of the "
                            "adapter, or take none or stored",
                            kEmbeddingModule, kHeadModule));
  }
}

LoraAdapter make_adapter(const Recipe& recipe, const BaseModel& base, Messages& messages) {
  LoraAdapter adapter = first_adapter(recipe, base, messages);
  refuse_encoded_embeddings(adapter, *base.model);
  for (const std::size_t linear : adapter.weights.linears()) {
    adapter.weights.find(linear)->trains_a = !recipe.adapter.freeze_a;
  }
  return adapter;
}

/// What the adapter will call its base: what the recipe says; else, for one that goes on from another
/// adapter, what that one says, unless it is a path of somebody's machine; else the base's own name.
void name_base(PeftConfig& config, const AdapterSpec& spec, const BaseModel& base) {
  const bool named =
      !config.base_model_name_or_path.empty() && !is_private_path(config.base_model_name_or_path);
  if (!spec.base_model_name_or_path.empty()) {
    config.base_model_name_or_path = spec.base_model_name_or_path;
  } else if (!named) {
    config.base_model_name_or_path = base.name;
    config.revision.clear();
  }
}

/// Refuses to go on training an adapter on another base than the one it was made on. Returns in what the base
/// differs where that was allowed.
std::string check_base(const AdapterSpec& spec, const BaseModel& base, const TrainRequest& request,
                       const Environment& environment, Messages& messages) {
  if (spec.init_from.empty()) {
    return "";
  }
  const std::optional<BaseBinding> binding = read_base_binding(spec.init_from);
  if (!binding) {
    messages.warning(fmt::format(
        "{} does not record the base it was made on (no lore_manifest.json), so a wrong base cannot be told",
        spec.init_from));
    return "";
  }
  const std::string difference = base_difference(
      *binding, base.name, digest_tensors(base.weights->files(), FileMemo(environment.hash_dir)));
  if (difference.empty()) {
    return "";
  }
  if (!request.allow_base_mismatch) {
    throw Error(ErrorKind::kRefused, "adapter.init_from",
                difference + "; give that base, or --allow-base-mismatch to train all the same");
  }
  messages.warning(difference + "; training all the same (--allow-base-mismatch)");
  return difference;
}

const char* reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::kFinished:
      return "finished";
    case StopReason::kEarlyStopping:
      return "early_stopping";
    case StopReason::kSignal:
      return "signal";
  }
  return "";
}

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json source_counts(const Dataset& dataset) {
  Json list = Json::array();
  for (const SourceCounts& source : dataset.sources()) {
    Json counts = to_json(source);
    counts.erase("path");
    Json entry{{"file", std::filesystem::path(source.path).filename().string()}};
    entry.update(counts);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

TrainOutcome run_train(const TrainRequest& request, const Environment& environment, TrainReporter& reporter) {
  const Clock::time_point start = Clock::now();
  Recipe recipe = request.recipe;
  const std::filesystem::path model_path = find_base(recipe.model, environment);
  if (!request.dry_run) {
    RunFolder::check_free(recipe.output_dir, request.overwrite);
  }
  // Tokenizing and loading the weights share nothing but the processor.
  SerialMessages messages(reporter);
  std::future<TrainingData> loading_data =
      std::async(std::launch::async, load_training_data, std::cref(recipe), model_path,
                 std::cref(environment), std::ref(static_cast<Messages&>(messages)));
  const BaseModel base = load_base(recipe.model, model_path, Purpose::kMeasuring, messages);
  LoraAdapter adapter = make_adapter(recipe, base, messages);
  for (const std::string& warning : adapter_warnings(adapter, *base.model)) {
    messages.warning(warning);
  }
  name_base(adapter.config, recipe.adapter, base);
  const std::string other_base = check_base(recipe.adapter, base, request, environment, messages);
  const TrainingData data = loading_data.get();
  recipe.data.template_date = data.template_date;
  for (const Dataset* dataset : {&data.train, &data.validation}) {
    refuse_foreign_ids(*dataset, base.model->config());
    warn_of_long_examples(*dataset, base.model->config(), reporter);
  }
  if (starts_from_data(recipe.adapter.init_lora_weights)) {
    start_with_eva(adapter, *base.model, data.train, recipe, messages, *environment.signal);
  }
  TrainSetup setup;
  std::optional<Provenance> provenance;
  std::optional<RunFolder> folder;
  std::optional<Recorder> recorder;
  if (!request.dry_run) {
    folder.emplace(recipe.output_dir, request.overwrite);
    folder->write_text("recipe.yaml", to_yaml(recipe));
    write_rejects(folder->path() / "rejects.jsonl", {&data.train, &data.validation});
    AdapterOrigin origin;
    origin.base_name = base.name;
    origin.licence = licence_of(base.path);
    origin.dtype = describe_dtype(*base.model);
    origin.recipe = &recipe;
    origin.data = &data;
    const auto manifest = [&] {
      return Json{{"format", 1},
                  {"made_by", Provenance::versions()},
                  {"trained", {{"modules", setup.modules}, {"parameters", setup.trained_parameters}}},
                  {"hashes", provenance->hashes()}};
    };
    recorder.emplace(*folder, adapter, *base.model, std::move(origin), manifest, reporter);
  }
  TrainObserver& observer = recorder ? static_cast<TrainObserver&>(*recorder) : reporter;
  Trainer trainer(*base.model, adapter, data.train, data.validation, recipe, observer, *environment.signal);
  setup.base_name = base.name;
  setup.dtype = describe_dtype(*base.model);
  setup.modules = describe_modules(adapter, *base.model);
  setup.matched_modules = static_cast<std::int64_t>(adapter.weights.linears().size());
  setup.trained_parameters = adapter.weights.trained_parameter_count();
  setup.train = &data.train;
  setup.validation = &data.validation;
  setup.plan = trainer.plan();
  setup.load_seconds = seconds_since(start);
  reporter.on_setup(setup);
  TrainOutcome outcome;
  outcome.plan = setup.plan;
  if (request.dry_run) {
    return outcome;
  }
  provenance.emplace(recipe, data, base.name, base.weights->files(), FileMemo(environment.hash_dir));
  outcome.folder = folder->path();
  Json run{{"versions", Provenance::versions()},
           {"threads", environment.threads},
           {"device", recipe.model.device},
           {"dtype", setup.dtype},
           {"weight_bytes", base.model->weight_bytes()},
           {"adapter", {{"modules", setup.modules}, {"parameters", setup.trained_parameters}}},
           {"data",
            {{"train", source_counts(data.train)},
             {"validation", source_counts(data.validation)},
             {"packing_efficiency", recipe.data.packing ? Json(setup.plan.packing_efficiency) : Json()}}},
           {"template_date", data.template_date.empty() ? Json() : Json(data.template_date)}};
  if (!other_base.empty()) {
    run["adapter"]["base_mismatch_allowed"] = other_base;
  }
  const auto finish = [&](const Json& exit) {
    outcome.seconds = seconds_since(start);
    run["timings"] = {{"load_seconds", setup.load_seconds}, {"total_seconds", outcome.seconds}};
    run["hashes"] = provenance->hashes();
    run["exit"] = exit;
    folder->write_text("run.json", run.dump(2) + "\n");
    folder->write_text("loss.svg",
                       loss_plot_svg(recorder->curves(), recipe.output_dir.empty() ? "loss" : base.name));
  };
  try {
    outcome.result = trainer.run();
  } catch (const Error& error) {
    finish({{"reason", "error"}, {"message", error.what()}});
    throw;
  }
  recorder->save("adapter", outcome.result.reason == StopReason::kFinished ? "at the end of training"
                                                                           : "when training was ended early");
  finish({{"reason", reason_name(outcome.result.reason)},
          {"steps", outcome.result.steps},
          {"first_validation_loss", optional_number(outcome.result.first_validation_loss)},
          {"last_validation_loss", optional_number(outcome.result.last_validation_loss)},
          {"best_validation_loss", optional_number(outcome.result.best_validation_loss)},
          {"best_step", outcome.result.best_step}});
  return outcome;
}

}  // namespace lore
