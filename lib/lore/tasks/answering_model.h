#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lore/data/example_builder.h"
#include "lore/generate/generate_answers.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/environment.h"
#include "lore/text/tokenizer.h"

namespace lore {

/// Who is to answer, and how.
struct AnsweringSpec {
  ModelSpec model;
  std::string adapter;                 ///< folder, or empty for the base alone
  bool compare = false;                ///< the base answers, too
  std::string chat_template = "auto";  ///< auto | none | name | file
  std::string system;                  ///< system message, may be empty
  std::string date;                    ///< what the template takes for today, YYYY-MM-DD; empty: today
  std::vector<std::string> stop;       ///< texts that end an answer; not part of it
  GenerationSettings settings;         ///< without stop tokens: the model names them
};

/// A base model, alone or with an adapter.
struct Contestant {
  std::string name;  ///< "base" or "adapter"
  AdapterSet adapters;
};

/// A model with all that makes text into prompts for it and its tokens into text. `spec`'s stop texts that
/// are special tokens became stop ids of `settings`.
struct AnsweringModel {
  BaseModel base;
  std::shared_ptr<const Tokenizer> tokenizer;
  ExampleBuilder builder;
  bool chats;                           ///< whether there is a chat template
  std::vector<Contestant> contestants;  ///< in the order in which they answer
  GenerationSettings settings;
  std::vector<std::string> stop;
};

/// Throws: Error kInput, kUsage.
AnsweringModel load_answering_model(const AnsweringSpec& spec, const Environment& environment,
                                    Messages& messages);

/// Warns of a prompt that with its longest answer has more tokens than the model was made for.
void warn_of_length(const AnsweringModel& model, std::int64_t prompt_tokens, Messages& messages);

}  // namespace lore
