#include "lore/tasks/training_data.h"

#include <ctime>

#include "lore/core/calendar_date.h"
#include "lore/core/error.h"
#include "lore/data/bad_rows.h"
#include "lore/data/example_builder.h"
#include "lore/data/load_dataset.h"
#include "lore/data/row_policy.h"
#include "lore/data/template_choice.h"

namespace lore {

ExampleMaker make_example_builder(const DataSpec& spec, const std::filesystem::path& model,
                                  std::shared_ptr<const Tokenizer> tokenizer) {
  TemplateChoice choice = choose_chat_template(spec.chat_template, model);
  const std::string source = choice.chat_template ? choice.chat_template->source() : "";
  std::string date = spec.template_date;
  if (date.empty() && choice.chat_template && choice.chat_template->asks_for_time()) {
    date = date_of_seconds(std::time(nullptr));
  }
  ExampleSettings settings;
  settings.template_for_text_pairs = choice.for_text_pairs;
  settings.ensures_bos = choice.named;
  settings.train_on = parse_train_on(spec.train_on);
  settings.now = time_for_template(date);
  return {ExampleBuilder(std::move(tokenizer), std::move(choice.chat_template), settings), source, date};
}

TrainingData load_training_data(const Recipe& recipe, const std::filesystem::path& model,
                                const Environment& environment, Messages& messages) {
  const DataSpec& spec = recipe.data;
  TrainingData data;
  data.tokenizer = load_tokenizer(model);
  const ExampleMaker maker = make_example_builder(spec, model, data.tokenizer);
  const ExampleBuilder& builder = maker.builder;
  data.chat_template = maker.chat_template;
  data.template_date = maker.template_date;
  const RepeatPolicy duplicates = parse_repeat_policy("data.duplicates", spec.duplicates);
  const RepeatPolicy leakage = parse_repeat_policy("data.leakage", spec.leakage);
  const bool validates = spec.validation_fraction > 0 || !spec.validation.empty();
  const bool looks_for_leaks = leakage != RepeatPolicy::kIgnore && validates;
  RowSettings rows{spec.max_length, parse_overlong(spec.overlong), parse_personal_data_policy(spec.pii),
                   duplicates != RepeatPolicy::kIgnore || looks_for_leaks, environment.signal};
  CacheSettings kept;
  kept.folder = spec.cache_dir.empty() ? environment.cache_dir : std::filesystem::path(spec.cache_dir);
  kept.temporary = environment.temporary_dir;
  const CacheFolder cache(kept, messages);
  data.train = load_dataset(spec.train, builder, rows, cache, environment.threads, messages);
  if (!spec.validation.empty()) {
    rows.signatures = looks_for_leaks;
    data.validation = load_dataset(spec.validation, builder, rows, cache, environment.threads, messages);
  }
  report_bad_rows({&data.train, &data.validation}, parse_bad_row_policy(spec.on_bad_row), messages);
  apply_duplicates(data.train, duplicates, messages);
  if (spec.validation_fraction > 0) {
    data.validation = split_validation(data.train, spec.validation_fraction, recipe.training.seed);
  }
  if (looks_for_leaks) {
    apply_leakage(data.train, data.validation, leakage, messages);
  }
  if (data.train.count() == 0) {
    throw Error(ErrorKind::kInput, spec.train.front().path, "holds no training example");
  }
  return data;
}

}  // namespace lore
