#include "lore/recipe/combinations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "lore/core/calendar_date.h"
#include "lore/core/private_path.h"

namespace lore {
namespace {

void check_initialization(const AdapterSpec& adapter, std::vector<Conflict>& conflicts) {
  const std::string key = "adapter.init_lora_weights";
  const auto* init = std::get_if<std::string>(&adapter.init_lora_weights);
  const bool eva = init != nullptr && *init == "eva";
  if (adapter.eva_config != EvaSpec() && !eva) {
    conflicts.push_back(
        {{"adapter.eva_config", "adapter.init_lora_weights"}, "is for adapter.init_lora_weights: eva"});
  }
  if (eva && adapter.bias == "lora_only") {
    conflicts.push_back({{key, "adapter.bias"},
                         "eva cannot be used with adapter.bias: lora_only, as it may leave no update on a "
                         "layer; use none or all"});
  }
  if (init == nullptr) {
    return;
  }
  if (!adapter.init_from.empty()) {
    conflicts.push_back({{key, "adapter.init_from"},
                         "cannot be used with adapter.init_from, which brings A and B; keep one of the two"});
  }
  const bool odd = adapter.r % 2 != 0 || std::ranges::any_of(adapter.rank_pattern, [](const auto& at) {
                     return at.second % 2 != 0;
                   });
  if (*init == "orthogonal" && odd) {
    conflicts.push_back({{key, "adapter.r", "adapter.rank_pattern"},
                         "orthogonal needs an even adapter.r and adapter.rank_pattern"});
  }
}

void check_adapter(const AdapterSpec& adapter, std::vector<Conflict>& conflicts) {
  const bool by_string = std::holds_alternative<std::string>(adapter.target_modules);
  if (by_string && !adapter.layers_to_transform.empty()) {
    conflicts.push_back({{"adapter.layers_to_transform", "adapter.target_modules"},
                         "needs a list in adapter.target_modules; name the layers in the regex instead"});
  }
  if (!adapter.layers_pattern.empty() && adapter.layers_to_transform.empty()) {
    conflicts.push_back(
        {{"adapter.layers_pattern", "adapter.layers_to_transform"}, "needs adapter.layers_to_transform"});
  }
  if (is_private_path(adapter.base_model_name_or_path)) {
    conflicts.push_back({{"adapter.base_model_name_or_path"},
                         "is a path of this machine, which the adapter would tell everybody; give a hub id "
                         "(owner/name) or a name"});
  }
}

void check_learning_rates(const Recipe& recipe, std::vector<Conflict>& conflicts) {
  if (recipe.adapter.freeze_a && recipe.training.loraplus_lr_ratio != 1) {
    conflicts.push_back(
        {{"training.loraplus_lr_ratio", "adapter.freeze_a"},
         "cannot be used with adapter.freeze_a, which leaves no learning rate of A to compare with; "
         "set training.learning_rate alone"});
  }
  if (recipe.training.loraplus_lr_ratio == 1 &&
      recipe.training.loraplus_lr_embedding != TrainingSpec().loraplus_lr_embedding) {
    conflicts.push_back({{"training.loraplus_lr_embedding", "training.loraplus_lr_ratio"},
                         "is for LoRA+: needs training.loraplus_lr_ratio above 1"});
  }
}

void check_saved_modules(const AdapterSpec& adapter, std::vector<Conflict>& conflicts) {
  const auto* targets = std::get_if<std::vector<std::string>>(&adapter.target_modules);
  for (const std::string& module : adapter.modules_to_save) {
    if (targets != nullptr && std::ranges::find(*targets, module) != targets->end()) {
      conflicts.push_back(
          {{"adapter.modules_to_save", "adapter.target_modules"},
           fmt::format("names \"{}\" as adapter.target_modules does: a module is either trained "
                       "whole or gets a low-rank update; keep one of the two",
                       module)});
    }
  }
}

void check_template(const DataSpec& data, std::vector<Conflict>& conflicts) {
  if (!data.template_date.empty() && !seconds_of_date(data.template_date)) {
    conflicts.push_back(
        {{"data.template_date"}, fmt::format("is not a day written YYYY-MM-DD: '{}'", data.template_date)});
  }
}

void check_validation(const Recipe& recipe, std::vector<Conflict>& conflicts) {
  const DataSpec& data = recipe.data;
  const EvaluationSpec& evaluation = recipe.evaluation;
  const bool validates = !data.validation.empty() || data.validation_fraction > 0;
  if (!data.validation.empty() && data.validation_fraction > 0) {
    conflicts.push_back({{"data.validation_fraction", "data.validation"},
                         "cannot be used with data.validation; keep one of the two"});
  }
  if (evaluation.every_steps > 0 && !validates) {
    conflicts.push_back({{"evaluation.every_steps", "data.validation", "data.validation_fraction"},
                         "needs data.validation or data.validation_fraction"});
  }
  if (evaluation.early_stopping_patience > 0 && evaluation.every_steps == 0) {
    conflicts.push_back({{"evaluation.early_stopping_patience", "evaluation.every_steps"},
                         "needs evaluation.every_steps, the steps between two measurements"});
  }
  if (evaluation.early_stopping_threshold > 0 && evaluation.early_stopping_patience == 0) {
    conflicts.push_back({{"evaluation.early_stopping_threshold", "evaluation.early_stopping_patience"},
                         "needs evaluation.early_stopping_patience"});
  }
}

void check_data(const Recipe& recipe, std::vector<Conflict>& conflicts) {
  if (recipe.data.packing && recipe.training.group_by_length) {
    conflicts.push_back(
        {{"training.group_by_length", "data.packing"},
         "cannot be used with data.packing, which leaves no lengths to group; keep one of the two"});
  }
  for (std::size_t i = 0; i < recipe.data.validation.size(); ++i) {
    if (recipe.data.validation[i].weight != 1) {
      conflicts.push_back({{fmt::format("data.validation[{}].weight", i)},
                           "is for training sources: a validation example is measured once"});
    }
  }
}

void check_schedule(const TrainingSpec& training, std::vector<Conflict>& conflicts) {
  const std::string& type = training.lr_scheduler_type;
  const LrSchedulerKwargs& kwargs = training.lr_scheduler_kwargs;
  const LrSchedulerKwargs defaults;
  const std::string type_key = "training.lr_scheduler_type";
  const std::string kwargs_key = "training.lr_scheduler_kwargs";
  if (training.warmup_ratio > 0 && training.warmup_steps > 0) {
    conflicts.push_back({{"training.warmup_ratio", "training.warmup_steps"},
                         "cannot be used with training.warmup_steps; keep one of the two"});
  }
  if (type == "constant" && (training.warmup_ratio > 0 || training.warmup_steps > 0)) {
    conflicts.push_back({{type_key, "training.warmup_ratio", "training.warmup_steps"},
                         "constant has no warm-up; use constant_with_warmup"});
  }
  if (kwargs.num_cycles && type != "cosine" && type != "cosine_with_restarts") {
    conflicts.push_back({{kwargs_key + ".num_cycles", type_key},
                         fmt::format("is for cosine and cosine_with_restarts, not for {}", type)});
  }
  if (kwargs.num_cycles && type == "cosine_with_restarts" &&
      *kwargs.num_cycles != std::floor(*kwargs.num_cycles)) {
    conflicts.push_back({{kwargs_key + ".num_cycles", type_key},
                         fmt::format("must be a whole number with {}, got {}", type, *kwargs.num_cycles)});
  }
  if (type != "polynomial" && kwargs.power != defaults.power) {
    conflicts.push_back(
        {{kwargs_key + ".power", type_key}, fmt::format("is for polynomial, not for {}", type)});
  }
  if (type != "polynomial" && kwargs.lr_end != defaults.lr_end) {
    conflicts.push_back(
        {{kwargs_key + ".lr_end", type_key}, fmt::format("is for polynomial, not for {}", type)});
  }
  if (type == "polynomial" && kwargs.lr_end >= training.learning_rate) {
    conflicts.push_back({{kwargs_key + ".lr_end", "training.learning_rate", type_key},
                         fmt::format("must be less than training.learning_rate ({}), got {}",
                                     training.learning_rate, kwargs.lr_end)});
  }
}

}  // namespace

std::vector<Conflict> find_conflicts(const Recipe& recipe) {
  std::vector<Conflict> conflicts;
  check_adapter(recipe.adapter, conflicts);
  check_initialization(recipe.adapter, conflicts);
  check_learning_rates(recipe, conflicts);
  check_saved_modules(recipe.adapter, conflicts);
  check_data(recipe, conflicts);
  check_validation(recipe, conflicts);
  check_template(recipe.data, conflicts);
  check_schedule(recipe.training, conflicts);
  return conflicts;
}

}  // namespace lore
