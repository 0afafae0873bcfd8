#pragma once

#include "lore/recipe/field.h"
#include "lore/recipe/specs.h"

/// The description (describe.h) of `data`.

namespace lore {

template <Like<SourceSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("path", self.path,
        {.doc = "A file, a folder (every data file below it) or a pattern (`*`, `**`, `?`, `[...]`): JSONL, "
                "JSON, CSV, TSV, TBX, plain text or Markdown, each also packed by gzip or zstd.",
         .required = true,
         .path = PathRule::kPath,
         .also_known_as = "file data_files"});
  visit("format", self.format,
        {.doc = "What a row is. `messages`: a chat as OpenAI has it. `sharegpt`: a chat of `from` and "
                "`value`. `alpaca`: "
                "`instruction`, `input`, `output`. `prompt_completion`: `prompt` and `completion`. `text`: "
                "plain text, every "
                "token trained. `glossary`: a term with its definition and translations, made into examples "
                "by `templates`. "
                "`auto` tells by the columns.",
         .choices = {"auto", "messages", "sharegpt", "alpaca", "prompt_completion", "text", "glossary"},
         .also_known_as = "type formatting"});
  visit("columns", self.columns,
        {.doc = "Names of the source's columns where they are not the format's own: `{ prompt: question, "
                "completion: "
                "answer }`.",
         .also_known_as = "column_mapping field_messages"});
  visit("templates", self.templates,
        {.doc = "`glossary` only: the templates that make examples of a term, by name or as files; all that "
                "Lore brings "
                "along where empty.",
         .path = PathRule::kPathOrName});
  visit("sample_by", self.sample_by,
        {.doc = "What one row of a plain text file is: the whole `document` (over 1 MiB cut at line ends), a "
                "`paragraph` (ended by a blank line) or a `line`.",
         .choices = {"document", "paragraph", "line"}});
  visit(
      "encoding", self.encoding,
      {.doc = "How the source's text is written. `auto` takes a byte order mark's word, then UTF-8 where the "
              "bytes are valid for the most part, else UTF-16 or GB18030 where they can be told; a file that "
              "may be "
              "several of them is refused.",
       .choices = {"auto", "utf-8", "utf-16", "utf-16le", "utf-16be", "gb18030"}});
  visit("weight", self.weight,
        {.doc = "How often an epoch sees each example of the source: 2 sees all twice, 0.1 a tenth of them, "
                "another "
                "tenth each epoch. Training sources only.",
         .range = Range{.minimum = 0, .maximum = 1000, .minimum_excluded = true},
         .also_known_as = "interleave_probs sampling_ratio repeats"});
  visit("limit", self.limit,
        {.doc = "Take only the first N rows of the source, bad ones counted.",
         .range = Range::between(1, kMostSteps)});
}

template <Like<DataSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("train", self.train,
        {.doc = "Sources to train on.",
         .required = true,
         .example = "[{ path: data/train.jsonl }]",
         .also_known_as = "dataset datasets train_file train_files"});
  visit("validation", self.validation,
        {.doc = "Sources to measure the validation loss on.",
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
        {.doc = "What becomes of an example longer than `max_length`: an error that names it, several "
                "examples that "
                "together train each of its tokens once, its end or its beginning cut off, or the whole "
                "example dropped "
                "and counted. Plain text is always split.",
         .choices = {"error", "split", "truncate_right", "truncate_left", "drop"},
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
  visit("on_bad_row", self.on_bad_row,
        {.doc = "A row that cannot be used: `error` reports all such rows and stops; `skip` counts them, "
                "names the first "
                "and keeps all in `rejects.jsonl` of the run's folder.",
         .choices = {"error", "skip"}});
  visit("duplicates", self.duplicates,
        {.doc = "Training rows that say the same as an earlier one, exactly or nearly: `ignore`, `report` "
                "(counted, the "
                "first named), `drop` (all but the first left out, counted) or `error`.",
         .choices = {"ignore", "report", "drop", "error"},
         .also_known_as = "deduplicate dedup"});
  visit("leakage", self.leakage,
        {.doc = "Training rows that say the same as a validation row, exactly or nearly: `ignore`, `report`, "
                "`drop` (the "
                "training row left out, counted) or `error`.",
         .choices = {"ignore", "report", "drop", "error"},
         .also_known_as = "decontaminate"});
  visit("pii", self.pii,
        {.doc = "Personal data in rows (phone, identity card, bank card, e-mail; Chinese and English forms): "
                "`ignore`, "
                "`report` (counted by kind, the places named, never the text), `mask` (replaced by its kind, "
                "counted) or "
                "`error`.",
         .choices = {"ignore", "report", "mask", "error"}});
  visit("cache_dir", self.cache_dir,
        {.doc = "Folder of the tokenized data, kept from run to run; the user's cache folder where unset.",
         .path = PathRule::kPath,
         .also_known_as = "dataset_prepared_path"});
}

}  // namespace lore
