#include "lore/tasks/run_train.h"

#include <fmt/format.h>

#include <chrono>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>

#include "lore/adapters/base_initialization.h"
#include "lore/core/error.h"
#include "lore/core/interruption.h"
#include "lore/core/unchanged_files.h"
#include "lore/data/bad_rows.h"
#include "lore/recipe/writer.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/memory_need.h"
#include "lore/tasks/model_files.h"
#include "lore/tasks/output_place.h"
#include "lore/tasks/provenance.h"
#include "lore/tasks/resume_point.h"
#include "lore/tasks/run_recorder.h"
#include "lore/tasks/starting_adapter.h"
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

/// A dry run's: nothing is trained, so nothing is heard.
class Nobody final : public TrainObserver {
 public:
  void on_start(const TrainPlan& /*plan*/) override {}
  void on_step(const StepMetrics& /*metrics*/) override {}
  void on_validation(const ValidationMetrics& /*metrics*/) override {}
  void on_skipped(const SkippedStep& /*step*/) override {}
  void on_checkpoint(const TrainingState& /*state*/) override {}
};

/// What a run that had finished came to.
TrainResult finished_result(const nlohmann::json& exit) {
  const auto number = [&](const char* key) {
    return exit.at(key).is_null() ? std::nullopt : std::optional(exit.at(key).get<double>());
  };
  TrainResult result;
  result.reason = exit.at("reason") == "early_stopping" ? StopReason::kEarlyStopping : StopReason::kFinished;
  result.progress.steps = exit.at("steps").get<std::int64_t>();
  result.progress.first_validation_loss = number("first_validation_loss");
  result.progress.last_validation_loss = number("last_validation_loss");
  result.progress.best_validation_loss = number("best_validation_loss");
  result.progress.best_step = exit.at("best_step").get<std::int64_t>();
  return result;
}

/// The day that a template was told in the run of `identity`, so that a resumed run tells it the same.
std::string told_date(const RunIdentity& identity) {
  const auto found = identity.find("data.template_date");
  std::string date = found == identity.end() ? "" : found->second;
  std::erase(date, '"');
  return date;
}

void stop_if_signalled(const Environment& environment) {
  if (*environment.signal != 0) {
    throw Interruption("interrupted before the first step; nothing was written");
  }
}

}  // namespace

TrainOutcome run_train(const TrainRequest& request, const Environment& environment, TrainReporter& reporter) {
  const Clock::time_point start = Clock::now();
  Recipe recipe = request.recipe;
  const std::filesystem::path model_path = find_base(recipe.model, environment);
  ResumePoint point;
  if (!request.dry_run || request.resume || !request.resume_from.empty()) {
    point = find_resume_point(request, reporter);
  }
  if (recipe.data.template_date.empty()) {
    recipe.data.template_date = told_date(point.identity);
  }
  // Tokenizing and loading the weights share nothing but the processor.
  SerialMessages messages(reporter);
  std::future<TrainingData> loading_data =
      std::async(std::launch::async, load_training_data, std::cref(recipe), model_path,
                 std::cref(environment), std::ref(static_cast<Messages&>(messages)));
  const BaseModel base = load_base(recipe.model, model_path, Purpose::kMeasuring, environment, messages);
  const UnchangedFiles base_files(base.weights->files());
  LoraAdapter adapter = starting_adapter(recipe, base, messages);
  const std::string other_base =
      check_base(recipe.adapter, base, request.allow_base_mismatch, environment, messages);
  const TrainingData data = loading_data.get();
  stop_if_signalled(environment);
  recipe.data.template_date = data.template_date;
  for (const Dataset* dataset : {&data.train, &data.validation}) {
    refuse_foreign_ids(*dataset, base.model->config());
    warn_of_long_examples(*dataset, base.model->config(), reporter);
  }
  const std::string dtype = describe_dtype(*base.model);
  std::optional<Provenance> provenance;
  if (!request.dry_run || point.resumes()) {
    provenance.emplace(recipe, data, base.name, base.weights->files(), FileMemo(environment.hash_dir));
  }
  TrainOutcome outcome;
  std::optional<TrainingState> state;
  if (point.resumes()) {
    outcome.was_finished =
        settle_resume_point(point, run_identity(recipe, provenance->hashes(), dtype, environment),
                            request.resume_anyway, messages);
    if (!outcome.was_finished) {
      state = read_training_state(point.checkpoint->path, std::move(adapter), *base.model);
      adapter = state->adapter;
      outcome.resumed_from = point.checkpoint->path;
      outcome.resumed_step = point.checkpoint->step;
    }
  } else if (starts_from_data(recipe.adapter.init_lora_weights)) {
    start_with_eva(adapter, *base.model, data.train, recipe, messages, *environment.signal);
    stop_if_signalled(environment);
  }
  if (outcome.was_finished) {
    outcome.result = finished_result(point.finished);
    outcome.folder = recipe.output_dir;
    outcome.plan.total_steps = outcome.result.progress.steps;
    outcome.seconds = seconds_since(start);
    return outcome;
  }
  if (base.model->device().is_cpu()) {
    const std::vector<std::int64_t> lengths = data.train.lengths();
    check_training_fits(training_need(*base.model, adapter, lengths,
                                      BatchPlan(lengths, batch_options(recipe, data.train), 0)),
                        environment.memory_bytes);
  }
  TrainSetup setup;
  std::optional<RunFolder>& folder = point.folder;
  std::optional<RunRecorder> recorder;
  Nobody nobody;
  if (!request.dry_run) {
    check_space(std::filesystem::path(recipe.output_dir) / "checkpoints", 2 * checkpoint_bytes(adapter));
    if (!folder) {
      folder.emplace(RunFolder::create(recipe.output_dir, request.overwrite));
    } else if (!point.checkpoint) {
      folder->clear();
    }
    if (point.checkpoint) {
      folder->go_back_to(point.checkpoint->path);
    }
    folder->write_text("recipe.yaml", to_yaml(recipe));
    write_rejects(folder->path() / "rejects.jsonl", {&data.train, &data.validation});
    AdapterOrigin origin;
    origin.base_name = base.name;
    origin.licence = licence_of(base.path);
    origin.dtype = dtype;
    origin.recipe = &recipe;
    origin.data = &data;
    const auto manifest = [&] {
      base_files.check();
      return Json{{"format", 1},
                  {"made_by", Provenance::versions()},
                  {"trained", {{"modules", setup.modules}, {"parameters", setup.trained_parameters}}},
                  {"hashes", provenance->hashes()}};
    };
    const auto identity = [&] { return run_identity(recipe, provenance->hashes(), dtype, environment); };
    recorder.emplace(*folder, *base.model, std::move(origin), RunRecorder::Facts{manifest, identity},
                     reporter);
    recorder->follow(adapter);
    recorder->read_curves();
  }
  TrainObserver& observer = recorder ? static_cast<TrainObserver&>(*recorder) : nobody;
  Trainer trainer(*base.model, adapter, data.train, data.validation, recipe, observer, *environment.signal);
  if (state) {
    trainer.resume(*state);
    state.reset();
  }
  setup.base_name = base.name;
  setup.dtype = dtype;
  setup.modules = describe_modules(adapter, *base.model);
  setup.matched_modules = static_cast<std::int64_t>(adapter.weights.linears().size());
  setup.trained_parameters = adapter.weights.trained_parameter_count();
  setup.train = &data.train;
  setup.validation = &data.validation;
  setup.plan = trainer.plan();
  setup.resumed_from = outcome.resumed_from;
  setup.resumed_step = outcome.resumed_step;
  setup.load_seconds = seconds_since(start);
  reporter.on_setup(setup);
  outcome.plan = setup.plan;
  if (request.dry_run) {
    return outcome;
  }
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
           {"template_date", data.template_date.empty() ? Json() : Json(data.template_date)},
           {"resumed_from_step", point.checkpoint ? Json(point.checkpoint->step) : Json()}};
  if (!other_base.empty()) {
    run["adapter"]["base_mismatch_allowed"] = other_base;
  }
  const auto record_end = [&](const Json& exit) {
    outcome.seconds = seconds_since(start);
    run["timings"] = {{"load_seconds", setup.load_seconds}, {"total_seconds", outcome.seconds}};
    run["hashes"] = provenance->hashes();
    run["identity"] = run_identity(recipe, provenance->hashes(), dtype, environment);
    run["exit"] = exit;
    folder->write_text("loss.svg",
                       loss_plot_svg(recorder->curves(), recipe.output_dir.empty() ? "loss" : base.name));
    folder->write_text("run.json", run.dump(2) + "\n");
  };
  try {
    outcome.result = trainer.run();
    recorder->finish(outcome.result.reason == StopReason::kFinished ? "at the end of training"
                                                                    : "when training was ended early");
  } catch (const Error& error) {
    try {
      recorder->wait();
      record_end({{"reason", "error"}, {"message", error.what()}});
    } catch (const Error&) {
      throw error;  // what came first says more
    }
    throw;
  }
  const TrainProgress& progress = outcome.result.progress;
  record_end({{"reason", reason_name(outcome.result.reason)},
              {"steps", progress.steps},
              {"skipped_steps", progress.skipped_steps},
              {"first_validation_loss", optional_number(progress.first_validation_loss)},
              {"last_validation_loss", optional_number(progress.last_validation_loss)},
              {"best_validation_loss", optional_number(progress.best_validation_loss)},
              {"best_step", progress.best_step}});
  return outcome;
}

}  // namespace lore
