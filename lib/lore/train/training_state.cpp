#include "lore/train/training_state.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "lore/adapters/base_initialization.h"
#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "lore/formats/json_file.h"
#include "lore/formats/safetensors.h"
#include "lore/train/gradient_sum.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTensorsName = "training_state.safetensors";
constexpr const char* kFactsName = "training_state.json";
constexpr const char* kFirstMoment = ".first_moment";
constexpr const char* kSecondMoment = ".second_moment";

/// Calls visit(name, tensor) for each tensor of an adapter that training needs.
template <class Visit>
void visit_masters(AdapterSet& adapters, const std::vector<std::string>& names, const Visit& visit) {
  for (const std::size_t linear : adapters.linears()) {
    LowRank& low_rank = *adapters.find(linear);
    visit(names[linear] + ".lora_A", low_rank.a);
    visit(names[linear] + ".lora_B", low_rank.b);
    if (low_rank.is_dora()) {
      visit(names[linear] + ".magnitude", low_rank.magnitude);
    }
    if (low_rank.residual) {
      visit(names[linear] + ".start_A", low_rank.residual->a);
      visit(names[linear] + ".start_B", low_rank.residual->b);
    }
  }
}

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

std::optional<double> read_optional(const nlohmann::json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

Json to_json(const TrainProgress& progress) {
  return {{"steps", progress.steps},
          {"epoch", progress.epoch},
          {"next_batch", progress.next_batch},
          {"first_validation_loss", optional_number(progress.first_validation_loss)},
          {"last_validation_loss", optional_number(progress.last_validation_loss)},
          {"best_validation_loss", optional_number(progress.best_validation_loss)},
          {"best_step", progress.best_step},
          {"validated_step", progress.validated_step},
          {"bad_validations", progress.bad_validations},
          {"skipped_steps", progress.skipped_steps},
          {"skipped_in_row", progress.skipped_in_row}};
}

TrainProgress progress_from_json(const nlohmann::json& json) {
  TrainProgress progress;
  progress.steps = json.at("steps").get<std::int64_t>();
  progress.epoch = json.at("epoch").get<std::int64_t>();
  progress.next_batch = json.at("next_batch").get<std::int64_t>();
  progress.first_validation_loss = read_optional(json.at("first_validation_loss"));
  progress.last_validation_loss = read_optional(json.at("last_validation_loss"));
  progress.best_validation_loss = read_optional(json.at("best_validation_loss"));
  progress.best_step = json.at("best_step").get<std::int64_t>();
  progress.validated_step = json.at("validated_step").get<std::int64_t>();
  progress.bad_validations = json.at("bad_validations").get<std::int64_t>();
  progress.skipped_steps = json.at("skipped_steps").get<std::int64_t>();
  progress.skipped_in_row = json.at("skipped_in_row").get<std::int64_t>();
  return progress;
}

/// What EVA changes of a configuration.
Json eva_changes(const PeftConfig& config) {
  Json ranks = Json::array();
  for (const auto& [name, rank] : config.rank_pattern) {
    ranks.push_back({name, rank});
  }
  Json alphas = Json::array();
  for (const auto& [name, alpha] : config.alpha_pattern) {
    alphas.push_back({name, alpha});
  }
  return {{"rank_pattern", ranks}, {"alpha_pattern", alphas}};
}

void apply_eva_changes(PeftConfig& config, const nlohmann::json& changes,
                       const std::vector<std::string>& adapted, bool dropped_some) {
  config.rank_pattern.clear();
  for (const auto& entry : changes.at("rank_pattern")) {
    config.rank_pattern.emplace_back(entry.at(0).get<std::string>(), entry.at(1).get<std::int64_t>());
  }
  config.alpha_pattern.clear();
  for (const auto& entry : changes.at("alpha_pattern")) {
    config.alpha_pattern.emplace_back(entry.at(0).get<std::string>(), entry.at(1).get<double>());
  }
  if (dropped_some) {
    config.target_modules = adapted;
    config.exclude_modules = std::monostate();
    config.layers_to_transform.reset();
    config.layers_pattern.clear();
  }
}

/// The tensors of a file on their way into a state.
class StoredTensors {
 public:
  explicit StoredTensors(const std::filesystem::path& path)
      : path_(path), file_(SafetensorsFile::open(path)) {}

  /// fp32, on `device`. Throws: Error kInput.
  at::Tensor read(const std::string& name, at::Device device) {
    const TensorView* view = file_.find(name);
    if (view == nullptr || view->dtype != DType::kF32) {
      throw Error(ErrorKind::kInput, path_.string(), fmt::format("has no float32 tensor {}", name));
    }
    ++used_;
    at::Tensor tensor = at::empty(view->shape, at::kFloat);
    std::memcpy(tensor.data_ptr(), view->bytes.data(), view->bytes.size());
    return tensor.to(device);
  }

  /// The same in the shape of `like`. Throws: Error kInput.
  at::Tensor read_like(const std::string& name, const at::Tensor& like) {
    at::Tensor tensor = read(name, like.device());
    if (tensor.sizes() != like.sizes()) {
      throw Error(ErrorKind::kInput, path_.string(),
                  fmt::format("{} does not have the shape that the recipe gives it", name));
    }
    return tensor;
  }

  void refuse_unused() const {
    if (used_ != file_.tensors().size()) {
      throw Error(ErrorKind::kInput, path_.string(), "holds tensors that the recipe's adapter does not have");
    }
  }

 private:
  std::filesystem::path path_;
  SafetensorsFile file_;
  std::size_t used_ = 0;
};

void restore_module(LowRank& low_rank, const std::string& name, double scale, const at::Tensor& weight,
                    StoredTensors& tensors) {
  low_rank.scale = scale;
  // EVA gives ranks of its own, so the stored shapes hold.
  low_rank.a = tensors.read(name + ".lora_A", low_rank.a.device());
  low_rank.b = tensors.read(name + ".lora_B", low_rank.b.device());
  if (low_rank.is_dora()) {
    low_rank.magnitude = tensors.read_like(name + ".magnitude", low_rank.magnitude);
  }
  if (low_rank.residual) {
    const StartingPair start{tensors.read_like(name + ".start_A", low_rank.residual->a),
                             tensors.read_like(name + ".start_B", low_rank.residual->b)};
    low_rank.residual = residual_of(weight, start, scale);
  }
}

}  // namespace

LoraAdapter own_copy(const LoraAdapter& adapter) {
  LoraAdapter copy = adapter;
  for (const std::size_t linear : copy.weights.linears()) {
    LowRank& low_rank = *copy.weights.find(linear);
    low_rank.a = low_rank.a.clone();
    low_rank.b = low_rank.b.clone();
    if (low_rank.is_dora()) {
      low_rank.magnitude = low_rank.magnitude.clone();
    }
  }
  FullParameters full;
  for (const FullParameter& parameter : adapter.weights.full().list()) {
    full.add(parameter.name, parameter.master.clone());
  }
  copy.weights.full() = std::move(full);
  return copy;
}

TrainingState TrainingState::copy() const {
  TrainingState result{progress, own_copy(adapter), {optimizer.steps, {}, {}}};
  for (const at::Tensor& moment : optimizer.first_moments) {
    result.optimizer.first_moments.push_back(moment.clone());
  }
  for (const at::Tensor& moment : optimizer.second_moments) {
    result.optimizer.second_moments.push_back(moment.clone());
  }
  return result;
}

void write_training_state(const std::filesystem::path& folder, const TrainingState& state,
                          const LlamaForCausalLm& model) {
  const std::vector<std::string> modules = adaptable_names(model.config());
  std::vector<at::Tensor> on_cpu;  // keeps the bytes of the views alive
  std::vector<TensorView> views;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    const at::Tensor& values = on_cpu.emplace_back(tensor.cpu().contiguous());
    views.push_back({name,
                     DType::kF32,
                     values.sizes().vec(),
                     {static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()}});
  };
  AdapterSet masters = state.adapter.weights;
  visit_masters(masters, modules, add);
  for (const FullParameter& parameter : masters.full().list()) {
    add(parameter.name, parameter.master);
  }
  const std::vector<std::string> names = parameter_names(masters, modules);
  for (std::size_t i = 0; i < names.size(); ++i) {
    add(names[i] + kFirstMoment, state.optimizer.first_moments[i]);
    add(names[i] + kSecondMoment, state.optimizer.second_moments[i]);
  }
  write_safetensors(folder / kTensorsName, views, {});
  Json scales = Json::object();
  for (const std::size_t linear : masters.linears()) {
    scales[modules[linear]] = masters.find(linear)->scale;
  }
  const Json facts{{"progress", to_json(state.progress)},
                   {"optimizer_steps", state.optimizer.steps},
                   {"scales", scales},
                   {"eva", eva_changes(state.adapter.config)}};
  write_file_atomically(folder / kFactsName, facts.dump(2) + "\n");
}

TrainingState read_training_state(const std::filesystem::path& folder, LoraAdapter start,
                                  const LlamaForCausalLm& model) {
  const nlohmann::json facts = read_json_file(folder / kFactsName);
  StoredTensors tensors(folder / kTensorsName);
  const std::vector<std::string> modules = adaptable_names(model.config());
  TrainingState state{{}, std::move(start), {}};
  AdapterSet& adapters = state.adapter.weights;
  try {
    state.progress = progress_from_json(facts.at("progress"));
    state.optimizer.steps = facts.at("optimizer_steps").get<std::int64_t>();
    std::vector<std::string> adapted;
    const std::vector<std::size_t> all = adapters.linears();
    for (const std::size_t linear : all) {
      const std::string& name = modules[linear];
      if (!facts.at("scales").contains(name)) {
        adapters.erase(linear);  // EVA left it without an update
        continue;
      }
      adapted.push_back(name);
      restore_module(*adapters.find(linear), name, facts.at("scales").at(name).get<double>(),
                     model.parameter(name + ".weight"), tensors);
    }
    if (starts_from_data(state.adapter.config.init_lora_weights)) {
      apply_eva_changes(state.adapter.config, facts.at("eva"), adapted, adapted.size() < all.size());
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, (folder / kFactsName).string(),
                std::string("is not as Lore writes it: ") + error.what());
  }
  FullParameters full;
  for (const FullParameter& parameter : adapters.full().list()) {
    full.add(parameter.name, tensors.read_like(parameter.name, parameter.master));
  }
  adapters.full() = std::move(full);
  const std::vector<std::string> names = parameter_names(adapters, modules);
  const std::vector<TrainedParameter> parameters = trainable_parameters(adapters, model.linears().size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    state.optimizer.first_moments.push_back(tensors.read_like(names[i] + kFirstMoment, parameters[i].value));
    state.optimizer.second_moments.push_back(
        tensors.read_like(names[i] + kSecondMoment, parameters[i].value));
  }
  tensors.refuse_unused();
  adapters.refresh(model.dtype(), model.linears());
  return state;
}

}  // namespace lore
