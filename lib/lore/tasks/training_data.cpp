#include "lore/tasks/training_data.h"

#include <ctime>

#include "lore/core/calendar_date.h"
#include "lore/core/error.h"
#include "lore/data/example_builder.h"
#include "lore/data/template_choice.h"

namespace lore {
TrainingData load_training_data(const Recipe& recipe, const std::filesystem::path& model, int threads) {
  TrainingData data;
  data.tokenizer = load_tokenizer(model);
  TemplateChoice choice = choose_chat_template(recipe.data.chat_template, model);
  if (choice.chat_template) {
    data.chat_template = choice.chat_template->source();
  }
  data.template_date = recipe.data.template_date;
  if (data.template_date.empty() && choice.chat_template && choice.chat_template->asks_for_time()) {
    data.template_date = date_of_seconds(std::time(nullptr));
  }
  ExampleSettings settings;
  settings.template_for_text_pairs = choice.for_text_pairs;
  settings.ensures_bos = choice.named;
  settings.train_on = parse_train_on(recipe.data.train_on);
  settings.now = time_for_template(data.template_date);
  const ExampleBuilder builder(data.tokenizer, std::move(choice.chat_template), settings);
  const Overlong overlong = parse_overlong(recipe.data.overlong);
  const auto load = [&](const std::vector<SourceSpec>& specs) {
    return load_dataset(specs, builder, recipe.data.max_length, overlong, threads);
  };
  data.train = load(recipe.data.train);
  if (recipe.data.validation_fraction > 0) {
    data.validation = split_validation(data.train, recipe.data.validation_fraction, recipe.training.seed);
  } else if (!recipe.data.validation.empty()) {
    data.validation = load(recipe.data.validation);
  }
  if (data.train.examples.empty()) {
    throw Error(ErrorKind::kInput, recipe.data.train.front().path, "holds no training example");
  }
  return data;
}

}  // namespace lore
