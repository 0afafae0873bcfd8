#pragma once

#include "lore/recipe/describe_adapter.h"
#include "lore/recipe/describe_data.h"
#include "lore/recipe/describe_training.h"
#include "lore/recipe/field.h"
#include "lore/recipe/specs.h"

/// The one description of a recipe. `describe(spec, visit)` calls
/// `visit(key, spec.member, Field)` for each key of `spec`, in the order of the reference.
/// Reading, writing, the JSON Schema and docs/recipe.md are visitors of it.

namespace lore {

template <Like<Recipe> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("model", self.model, {.doc = "The base model. Its weights stay as they are."});
  visit("adapter", self.adapter,
        {.doc = "The adapter, spelled as PEFT's `LoraConfig`.", .also_known_as = "lora peft"});
  visit("data", self.data, {.doc = "The examples, and how they become token sequences."});
  visit("training", self.training,
        {.doc =
             "The optimizer and its schedule, spelled as Transformers' `TrainingArguments` save `epochs` and "
             "`batch_size`.",
         .also_known_as = "train trainer"});
  visit("evaluation", self.evaluation, {.doc = "Validation while training, and what `lore evaluate` asks."});
  visit("output_dir", self.output_dir,
        {.doc = "Folder of the run: adapter, best adapter, checkpoints, resolved recipe, metrics.",
         .required = true,
         .path = PathRule::kPath,
         .example = "runs/first",
         .also_known_as = "output save_dir"});
}

}  // namespace lore
