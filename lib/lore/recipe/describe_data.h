#pragma once

#include "lore/recipe/field.h"
#include "lore/recipe/specs.h"

/// The description (describe.h) of `data`.

namespace lore {

template <Like<SourceSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("path", self.path,
        {.doc = "A JSONL file of `{\"messages\": [...]}` or `{\"prompt\": ..., \"completion\": ...}` rows.",
         .required = true,
         .path = PathRule::kPath,
         .also_known_as = "file data_files"});
  visit("limit", self.limit,
        {.doc = "Take only the first N examples of the file.", .range = Range::between(1, kMostSteps)});
}

template <Like<DataSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("train", self.train,
        {.doc = "Files to train on.",
         .required = true,
         .example = "[{ path: data/train.jsonl }]",
         .also_known_as = "dataset datasets train_file train_files"});
  visit("validation", self.validation,
        {.doc = "Files to measure the validation loss on.",
         .example = "[{ path: data/validation.jsonl }]",
         .also_known_as = "eval test_datasets validation_file validation_files heldout"});
  visit("validation_fraction", self.validation_fraction,
        {.doc = "Share of the training examples, drawn by `training.seed`, held out for validation. Not with "
                "`validation`.",
         .range = Range::up_to(0, 1),
         .also_known_as = "val_size val_set_size"});
  visit("max_length", self.max_length,
        {.doc = "Longest example, and longest packed row, in tokens. Activation memory grows in proportion.",
         .range = Range::between(2, kMostTokens),
         .example = "1024",
         .also_known_as = "max_seq_length max_seq_len cutoff_len sequence_len"});
  visit("packing", self.packing,
        {.doc = "Lay several examples in one row of `max_length`, each seeing only itself: no padding is "
                "computed.",
         .also_known_as = "sample_packing"});
  visit("overlong", self.overlong,
        {.doc = "What becomes of an example longer than `max_length`: an error that names it, its end or its "
                "beginning cut off, or the whole example dropped and counted.",
         .choices = {"error", "truncate_right", "truncate_left", "drop"},
         .also_known_as = "truncation"});
  visit(
      "template", self.chat_template,
      {.doc =
           "Chat template. `auto`: the model's own for `messages` rows; `prompt` and `completion` are joined "
           "as raw text. `none`: never a template. The name of a template that Lore brings along "
           "(docs/templates.md lists them: `chatml`, `llama2`, `llama3`, `qwen3`, ...) or a Jinja file is "
           "applied to "
           "both.",
       .choices = {"auto", "none"},
       .path = PathRule::kPathOrName,
       .also_known_as = "chat_template"});
  visit(
      "template_date", self.template_date,
      {.doc =
           "The day, `YYYY-MM-DD`, that a chat template is told when it asks for today's date. Where it does "
           "and this is not set, the day (UTC) of the run's start, which the resolved recipe then holds: "
           "running that again gives the same tokens.",
       .also_known_as = "date date_string today"});
  visit(
      "train_on", self.train_on,
      {.doc =
           "Which of the assistant's messages in a conversation are trained: `all`, or only the `last` one. "
           "A message with `weight: 0` is not trained with either.",
       .choices = {"all", "last"},
       .also_known_as = "mask_history train_on_input roles_to_train assistant_only_loss last_turn_only"});
  visit("shuffle", self.shuffle,
        {.doc = "Visit the training examples in a new order each epoch, drawn by `training.seed`.",
         .also_known_as = "shuffle_dataset"});
}

}  // namespace lore
