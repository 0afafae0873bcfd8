#include "lore/tasks/training_data.h"

#include <ctime>

#include "lore/core/error.h"

namespace lore {

ExampleBuilder example_builder(std::shared_ptr<const Tokenizer> tokenizer, TemplateChoice choice) {
  ExampleSettings settings;
  settings.template_for_text_pairs = choice.for_text_pairs;
  settings.now = std::to_string(std::time(nullptr));
  return ExampleBuilder(std::move(tokenizer), std::move(choice.chat_template), settings);
}

TrainingData load_training_data(const Recipe& recipe, const std::filesystem::path& model, int threads) {
  TrainingData data;
  data.tokenizer = load_tokenizer(model);
  TemplateChoice choice = choose_chat_template(recipe.data.chat_template, model);
  if (choice.chat_template) {
    data.chat_template = choice.chat_template->source();
  }
  const ExampleBuilder builder = example_builder(data.tokenizer, std::move(choice));
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
