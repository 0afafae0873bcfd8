#include "lore/tasks/run_recorder.h"

#include <fmt/format.h>

#include <sstream>

#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"
#include "lore/tasks/adapter_folder.h"
#include "lore/tasks/checkpoint_folder.h"
#include "lore/tasks/output_place.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::uint64_t checkpoint_bytes(const LoraAdapter& adapter) {
  constexpr std::int64_t kSmallFiles = 1 << 20;
  constexpr std::int64_t kFloats = 4;  // adapter file, masters, moments
  return static_cast<std::uint64_t>(adapter.weights.parameter_count() * kFloats * 4 + kSmallFiles);
}

RunRecorder::RunRecorder(RunFolder& folder, const LlamaForCausalLm& model, AdapterOrigin origin, Facts facts,
                         TrainReporter& reporter)
    : folder_(folder),
      model_(model),
      origin_(std::move(origin)),
      facts_(std::move(facts)),
      reporter_(reporter) {}

void RunRecorder::on_step(const StepMetrics& metrics) {
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
  tell_written();
}

void RunRecorder::on_validation(const ValidationMetrics& metrics) {
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

void RunRecorder::on_skipped(const SkippedStep& step) {
  folder_.append_metrics({{"kind", "skipped"}, {"step", step.step}, {"why", step.why}});
  origin_.steps = step.step;
  reporter_.on_skipped(step);
}

void RunRecorder::on_checkpoint(const TrainingState& state) {
  origin_.moment = fmt::format("after step {}", state.progress.steps);
  writer_.give([this, own = state.copy(), metrics = folder_.metrics(), origin = origin_] {
    write_checkpoint(own, metrics, origin);
  });
}

void RunRecorder::read_curves() {
  std::istringstream lines(folder_.metrics());
  try {
    for (std::string line; std::getline(lines, line);) {
      const Json row = Json::parse(line);
      const std::string kind = row.at("kind").get<std::string>();
      origin_.steps = row.at("step").get<std::int64_t>();
      if (kind != "skipped") {
        auto& curve = kind == "validation" ? curves_.validation : curves_.train;
        curve.emplace_back(row.at("step").get<double>(), row.at("loss").get<double>());
      }
    }
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kInput, (folder_.path() / "metrics.jsonl").string(),
                std::string("is not as Lore writes it: ") + error.what());
  }
  origin_.validation = curves_.validation;
}

void RunRecorder::finish(std::string moment) {
  save("adapter", std::move(moment));
  wait();
}

void RunRecorder::wait() {
  writer_.finish();
  tell_written();
}

void RunRecorder::save(const std::string& name, std::string moment) {
  origin_.moment = std::move(moment);
  writer_.give([this, name, own = own_copy(*adapter_), origin = origin_]() mutable {
    const Json manifest = facts_.manifest();
    origin.base_sha256 = manifest.at("hashes").at("base").at("sha256").get<std::string>();
    write_adapter_folder(folder_.path() / name, own, model_, stored_dtype(), manifest, origin);
  });
}

void RunRecorder::write_checkpoint(const TrainingState& state, const std::string& metrics,
                                   AdapterOrigin origin) {
  const std::int64_t step = state.progress.steps;
  const std::filesystem::path target = checkpoint_path(folder_.path(), step);
  check_space(target, checkpoint_bytes(state.adapter) + metrics.size());
  const Json manifest = facts_.manifest();
  origin.base_sha256 = manifest.at("hashes").at("base").at("sha256").get<std::string>();
  AtomicFolder staged(target);
  const std::filesystem::path& folder = staged.staging();
  write_adapter_files(folder, state.adapter, model_, stored_dtype(), manifest, origin);
  write_training_state(folder, state, model_);
  write_file_atomically(folder / "metrics.jsonl", metrics);
  write_file_atomically(folder / "identity.json", Json(facts_.identity()).dump(2) + "\n");
  if (std::filesystem::exists(folder_.path() / "best")) {
    create_folders(folder / "best");
    link_files(folder_.path() / "best", folder / "best");
  }
  const TrainProgress& progress = state.progress;
  seal_checkpoint(folder, step,
                  progress.validated_step == step ? progress.last_validation_loss : std::nullopt);
  staged.commit();
  if (const std::string damage = checkpoint_damage(target); !damage.empty()) {
    throw Error(ErrorKind::kResources, target.string(), "was written and does not read back: " + damage);
  }
  rotate_checkpoints(folder_.path(), step, origin.recipe->training);
  written_step_ = step;
}

at::ScalarType RunRecorder::stored_dtype() const {
  const std::string& name = origin_.recipe->adapter.save_dtype;
  return name == "bfloat16" ? at::kBFloat16 : name == "float16" ? at::kHalf : at::kFloat;
}

void RunRecorder::tell_written() {
  if (const std::int64_t step = written_step_; step != told_step_) {
    told_step_ = step;
    reporter_.on_checkpoint_written(step);
  }
}

}  // namespace lore
