#pragma once

#include "lore/recipe/field.h"
#include "lore/recipe/specs.h"

/// The description (describe.h) of `training` and `evaluation`.

namespace lore {

template <Like<LrSchedulerKwargs> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("num_cycles", self.num_cycles,
        {.doc = "`cosine`: waves until the end, 0.5 where unset (down to zero once). `cosine_with_restarts`: "
                "number of restarts, a whole number, 1 where unset.",
         .range = {.minimum = 0, .maximum = kMostSteps, .minimum_excluded = true}});
  visit("power", self.power,
        {.doc = "`polynomial`: exponent of the decay; 1 is linear.", .range = Range::above(0)});
  visit("lr_end", self.lr_end,
        {.doc = "`polynomial`: learning rate at the end; less than `learning_rate`.",
         .range = Range::at_least(0)});
}

template <Like<TrainingSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("epochs", self.epochs,
        {.doc = "Passes over the training examples; a fraction ends within a pass.",
         .range = {.minimum = 0, .maximum = 1e6, .minimum_excluded = true},
         .example = "3",
         .also_known_as = "num_train_epochs num_epochs"});
  visit("max_steps", self.max_steps,
        {.doc = "Optimizer steps after which training ends, whatever `epochs` says.",
         .range = Range::between(1, kMostSteps)});
  visit("batch_size", self.batch_size,
        {.doc = "Examples (packed rows with `data.packing`) computed at once. Memory grows in proportion.",
         .range = Range::between(1, kMostExamples),
         .example = "8",
         .also_known_as = "per_device_train_batch_size train_batch_size micro_batch_size"});
  visit(
      "gradient_accumulation_steps", self.gradient_accumulation_steps,
      {.doc =
           "Batches summed into one optimizer step. The loss is a mean over the trained tokens of the whole "
           "step, so the step equals that of one batch as large.",
       .range = Range::between(1, kMostExamples)});
  visit(
      "group_by_length", self.group_by_length,
      {.doc =
           "Put examples of about the same length into one batch, in a new random order each epoch. Not with "
           "`data.packing`."});
  visit("learning_rate", self.learning_rate,
        {.doc = "Highest learning rate of AdamW.",
         .range = {.minimum = 0, .maximum = 1, .minimum_excluded = true},
         .example = "2.0e-4",
         .also_known_as = "lr"});
  visit(
      "loraplus_lr_ratio", self.loraplus_lr_ratio,
      {.doc =
           "Learning rate of B (and of DoRA's magnitude) over that of A (LoRA+, arXiv 2402.12354). With more "
           "than 1, `learning_rate` is A's and may be lower than without.",
       .range = Range::at_least(1),
       .also_known_as = "loraplus lora_plus"});
  visit(
      "loraplus_lr_embedding", self.loraplus_lr_embedding,
      {.doc =
           "Learning rate of a low-rank update of `embed_tokens`, A and B, with `loraplus_lr_ratio` above 1; "
           "on the same schedule.",
       .range = {.minimum = 0, .maximum = 1, .minimum_excluded = true}});
  visit("lr_scheduler_type", self.lr_scheduler_type,
        {.doc = "How the learning rate goes down after warm-up, as in Transformers.",
         .choices = {"constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts",
                     "polynomial"},
         .example = "linear",
         .also_known_as = "lr_scheduler scheduler schedule"});
  visit("lr_scheduler_kwargs", self.lr_scheduler_kwargs, {.doc = "Further arguments of the schedule."});
  visit(
      "warmup_ratio", self.warmup_ratio,
      {.doc =
           "Share of all optimizer steps over which the learning rate rises from 0. Not with `warmup_steps`.",
       .range = Range::between(0, 1),
       .example = "0.03"});
  visit("warmup_steps", self.warmup_steps,
        {.doc = "Optimizer steps over which the learning rate rises from 0.",
         .range = Range::between(0, kMostSteps)});
  visit("adam_beta1", self.adam_beta1,
        {.doc = "AdamW: decay of the mean of the gradient.", .range = Range::up_to(0, 1)});
  visit("adam_beta2", self.adam_beta2,
        {.doc = "AdamW: decay of the mean of the squared gradient.", .range = Range::up_to(0, 1)});
  visit("adam_epsilon", self.adam_epsilon,
        {.doc = "AdamW: added to the denominator.", .range = Range::above(0)});
  visit("weight_decay", self.weight_decay,
        {.doc = "AdamW: decoupled decay, times the learning rate, of A and B.", .range = Range::at_least(0)});
  visit("max_grad_norm", self.max_grad_norm,
        {.doc = "A gradient whose L2 norm over the whole adapter is larger is scaled down to this; 0 turns "
                "it off.",
         .range = Range::at_least(0),
         .also_known_as = "gradient_clipping"});
  visit("seed", self.seed,
        {.doc =
             "Seed of the initial A, of dropout, of the order of examples and of `data.validation_fraction`.",
         .example = "42"});
  visit("logging_steps", self.logging_steps,
        {.doc = "Optimizer steps from one line of metrics.jsonl to the next.",
         .range = Range::between(1, kMostSteps)});
  visit(
      "checkpoint_every_steps", self.checkpoint_every_steps,
      {.doc = "Optimizer steps from one checkpoint to the next, from which `lore train --resume` goes on; 0 "
              "writes none but that of an interrupted run.",
       .range = Range::between(0, kMostSteps),
       .also_known_as = "save_steps"});
  visit("keep_last", self.keep_last,
        {.doc = "The newest checkpoints that are kept; an older one is deleted once a newer one is written "
                "and verified.",
         .range = Range::between(1, kMostSteps),
         .also_known_as = "save_total_limit"});
  visit("keep_best", self.keep_best,
        {.doc = "Checkpoints that are kept besides for the lowest validation loss, of those at a step that "
                "`evaluation.every_steps` measures.",
         .range = Range::between(0, kMostSteps)});
  visit("keep_every", self.keep_every,
        {.doc = "Checkpoints at a multiple of this many steps are kept besides; 0 keeps none for that.",
         .range = Range::between(0, kMostSteps)});
  visit("on_nonfinite", self.on_nonfinite,
        {.doc = "What a loss or gradient that is not finite does: `stop` ends the run (exit code 6), `skip` "
                "leaves the step out and goes on, up to ten steps in a row.",
         .choices = {"stop", "skip"}});
}

template <Like<SuiteSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit(
      "kind", self.kind,
      {.doc =
           "What is asked. `terms`: a glossary's terms. `choices`: multiple choice. `people`: labels that "
           "people gave. `bias`: pairs that differ in a name, a gender, a region or an age. `leakage`: what "
           "was kept of rows that were trained.",
       .required = true,
       .choices = {"terms", "choices", "people", "bias", "leakage"}});
  visit("path", self.path,
        {.doc = "File of the questions; see docs/evaluate.md for its form.",
         .required = true,
         .path = PathRule::kPath,
         .also_known_as = "file data"});
  visit("name", self.name,
        {.doc = "What its metrics are called, as in `controls.accuracy`; the kind where empty."});
  visit("glossary", self.glossary,
        {.doc = "`terms` only: the glossary of the terms that answers to the questions of `path` should use.",
         .path = PathRule::kPath});
  visit("max_new_tokens", self.max_new_tokens,
        {.doc = "Longest answer, in tokens, where answers are generated; 0 generates none.",
         .range = Range::between(0, kMostTokens)});
  visit(
      "explained_cases", self.explained_cases,
      {.doc =
           "`people` only: for this many questions, from the first, the report tells what in them drove the "
           "answer.",
       .range = Range::between(0, kMostSteps)});
  visit("limit", self.limit,
        {.doc = "At most this many questions, from the first.", .range = Range::between(1, kMostSteps)});
}

template <Like<EvaluationSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit(
      "every_steps", self.every_steps,
      {.doc = "Optimizer steps from one measurement of the validation loss to the next; 0 measures none. The "
              "adapter of the lowest is kept in `best/`.",
       .range = Range::between(0, kMostSteps),
       .example = "50",
       .also_known_as = "eval_steps eval_every val_check_interval"});
  visit(
      "early_stopping_patience", self.early_stopping_patience,
      {.doc =
           "Stop after this many measurements in a row without a lower validation loss; 0 never stops early.",
       .range = Range::between(0, kMostSteps),
       .also_known_as = "patience"});
  visit("early_stopping_threshold", self.early_stopping_threshold,
        {.doc = "How much lower, in nats a token, the validation loss must be to count as lower.",
         .range = Range::at_least(0)});
  visit("suites", self.suites, {.doc = "What `lore evaluate` asks besides the loss of `data.validation`."});
  visit("gates", self.gates,
        {.doc = "Conditions that must hold for `lore evaluate` to exit with 0: `delta.perplexity <= 0`."});
}

}  // namespace lore
