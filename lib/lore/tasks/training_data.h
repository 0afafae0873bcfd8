#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "lore/core/messages.h"
#include "lore/data/batch_plan.h"
#include "lore/data/dataset.h"
#include "lore/data/example_builder.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"
#include "lore/text/tokenizer.h"

namespace lore {

/// The examples of a recipe, tokenized, with what they were made by.
struct TrainingData {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string chat_template;  ///< source of the template, empty when there is none
  std::string template_date;  ///< the day the template was told, empty when it asks for none
  Dataset train;
  Dataset validation;
};

/// What makes a recipe's rows into examples, for the model at `model`.
struct ExampleMaker {
  ExampleBuilder builder;
  std::string chat_template;  ///< source of the template, empty when there is none
  std::string template_date;  ///< what the template is told when it asks for the time, else empty
};

/// Throws: Error kUsage, kInput, as `choose_chat_template`.
ExampleMaker make_example_builder(const DataSpec& spec, const std::filesystem::path& model,
                                  std::shared_ptr<const Tokenizer> tokenizer);

/// Reads and tokenizes everything a recipe's data section names, for the model at `model`, or finds it in the
/// cache; says what was found wrong with it.
/// Throws: Error kInput with the place of every bad row, kUsage, kResources.
TrainingData load_training_data(const Recipe& recipe, const std::filesystem::path& model,
                                const Environment& environment, Messages& messages);

}  // namespace lore
