#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "lore/data/dataset.h"
#include "lore/data/example_builder.h"
#include "lore/data/template_choice.h"
#include "lore/recipe/specs.h"
#include "lore/text/tokenizer.h"

namespace lore {

/// The examples of a recipe, tokenized, with what they were made by.
struct TrainingData {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string chat_template;  ///< source of the template, empty when there is none
  Dataset train;
  Dataset validation;
};

/// What makes a recipe's rows into examples.
ExampleBuilder example_builder(std::shared_ptr<const Tokenizer> tokenizer, TemplateChoice choice);

/// Reads and tokenizes everything a recipe's data section names, for the model at `model`.
/// Throws: Error kInput with the place of every bad row, kUsage.
TrainingData load_training_data(const Recipe& recipe, const std::filesystem::path& model, int threads);

}  // namespace lore
