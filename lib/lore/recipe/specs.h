#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace lore {

/// Which modules: a regex over whole module names (or `all-linear`), or a list of name suffixes.
using ModuleSelection = std::variant<std::string, std::vector<std::string>>;

/// The base model. Meaning, unit and range of every field here are in describe.h, from which
/// the reader, the writer, the JSON Schema and docs/recipe.md are made.
struct ModelSpec {
  std::string path;
  std::string dtype = "auto";
  std::string quantization = "none";
  std::string device = "cpu";

  bool operator==(const ModelSpec&) const = default;
};

/// The start that EVA finds, spelled as PEFT's EvaConfig.
struct EvaSpec {
  double rho = 2;
  double tau = 0.99;
  bool use_label_mask = true;
  bool adjust_scaling_factors = true;

  bool operator==(const EvaSpec&) const = default;
};

/// The adapter, spelled as PEFT's LoraConfig.
struct AdapterSpec {
  std::string method = "lora";
  std::int64_t r = 16;
  double lora_alpha = 32;
  double lora_dropout = 0;
  ModuleSelection target_modules = std::vector<std::string>{"q_proj", "v_proj"};
  std::optional<ModuleSelection> exclude_modules;
  std::vector<std::int64_t> layers_to_transform;
  std::vector<std::string> layers_pattern;
  std::vector<std::pair<std::string, std::int64_t>> rank_pattern;
  std::vector<std::pair<std::string, double>> alpha_pattern;
  std::string bias = "none";
  std::vector<std::string> modules_to_save;
  bool use_rslora = false;
  bool use_dora = false;
  bool freeze_a = false;
  std::string task_type = "CAUSAL_LM";
  std::variant<bool, std::string> init_lora_weights = true;
  EvaSpec eva_config;
  std::string init_from;
  std::string save_dtype = "float32";
  std::string base_model_name_or_path;

  bool operator==(const AdapterSpec&) const = default;
};

/// One source of examples: a file, a folder or a pattern of files, all of one form.
struct SourceSpec {
  std::string path;
  std::string format = "auto";
  std::vector<std::pair<std::string, std::string>> columns = {};
  std::vector<std::string> templates = {};
  std::string sample_by = "document";
  std::string encoding = "auto";
  double weight = 1;
  std::optional<std::int64_t> limit = {};

  bool operator==(const SourceSpec&) const = default;
};

/// The examples and how they become token sequences.
struct DataSpec {
  std::vector<SourceSpec> train;
  std::vector<SourceSpec> validation;
  double validation_fraction = 0;
  std::int64_t max_length = 1024;
  bool packing = false;
  std::string overlong = "error";
  std::string chat_template = "auto";  ///< YAML key `template`
  std::string template_date;
  std::string train_on = "all";
  bool shuffle = true;
  std::string on_bad_row = "error";
  std::string duplicates = "report";
  std::string leakage = "report";
  std::string pii = "report";
  std::string cache_dir;

  bool operator==(const DataSpec&) const = default;
};

/// Extra arguments of a learning-rate schedule, spelled as Hugging Face's `lr_scheduler_kwargs`.
struct LrSchedulerKwargs {
  std::optional<double> num_cycles;
  double power = 1;
  double lr_end = 1e-7;

  bool operator==(const LrSchedulerKwargs&) const = default;
};

/// The optimizer and its schedule, spelled as Hugging Face's TrainingArguments save `epochs` and
/// `batch_size`.
struct TrainingSpec {
  double epochs = 3;
  std::optional<std::int64_t> max_steps;
  std::int64_t batch_size = 8;
  std::int64_t gradient_accumulation_steps = 1;
  bool group_by_length = false;
  double learning_rate = 2e-4;
  double loraplus_lr_ratio = 1;
  double loraplus_lr_embedding = 1e-6;
  std::string lr_scheduler_type = "linear";
  LrSchedulerKwargs lr_scheduler_kwargs;
  double warmup_ratio = 0;
  std::int64_t warmup_steps = 0;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;
  double weight_decay = 0;
  double max_grad_norm = 1;
  std::uint64_t seed = 42;
  std::int64_t logging_steps = 1;
  std::int64_t checkpoint_every_steps = 100;
  std::int64_t keep_last = 2;
  std::int64_t keep_best = 0;
  std::int64_t keep_every = 0;
  std::string on_nonfinite = "stop";

  bool operator==(const TrainingSpec&) const = default;
};

/// Questions of one kind that `lore evaluate` asks.
struct SuiteSpec {
  std::string kind;
  std::string path;
  std::string name;      ///< empty: the kind
  std::string glossary;  ///< of kind `terms`
  std::int64_t max_new_tokens = 64;
  std::int64_t explained_cases = 8;  ///< of kind `people`
  std::optional<std::int64_t> limit = {};

  bool operator==(const SuiteSpec&) const = default;
};

/// Validation during training, and what `lore evaluate` asks afterwards.
struct EvaluationSpec {
  std::int64_t every_steps = 0;
  std::int64_t early_stopping_patience = 0;
  double early_stopping_threshold = 0;
  std::vector<SuiteSpec> suites;
  std::vector<std::string> gates;

  bool operator==(const EvaluationSpec&) const = default;
};

/// A whole training run.
struct Recipe {
  ModelSpec model;
  AdapterSpec adapter;
  DataSpec data;
  TrainingSpec training;
  EvaluationSpec evaluation;
  std::string output_dir;

  bool operator==(const Recipe&) const = default;
};

}  // namespace lore
