#pragma once

#include "lore/recipe/describe_adapter.h"
#include "lore/recipe/describe_data.h"
#include "lore/recipe/describe_training.h"
#include "lore/recipe/field.h"
#include "lore/recipe/matrix.h"

/// The description (describe.h) of a scenario matrix.

namespace lore {

template <Like<MatrixModelSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("name", self.name, {.doc = "What the model is called.", .required = true});
  visit("model", self.model, {.doc = "The base, as in a recipe."});
  visit("adapter", self.adapter,
        {.doc = "Folder of an adapter on it (PEFT's files); the base alone where empty.",
         .path = PathRule::kPath});
}

template <Like<BudgetSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("time_to_first_token", self.time_to_first_token,
        {.doc = "Seconds until an answer begins, for 95 of 100 prompts.", .range = Range::above(0)});
  visit("time_per_token", self.time_per_token,
        {.doc = "Seconds from one token to the next, for 95 of 100 tokens.", .range = Range::above(0)});
  visit("cost_per_thousand_answers", self.cost_per_thousand_answers,
        {.doc = "By `machine.price_per_hour`, one answer at a time.", .range = Range::above(0)});
  visit("peak_memory_gib", self.peak_memory_gib,
        {.doc = "Memory of the process while the model answers, in GiB.", .range = Range::above(0)});
}

template <Like<PilotSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("cases_per_month", self.cases_per_month,
        {.doc = "Cases that come in; 0 computes no pilot.", .range = Range::at_least(0)});
  visit("minutes_per_case", self.minutes_per_case,
        {.doc = "Minutes that a person takes for a case today.", .range = Range::at_least(0)});
  visit("automation_share", self.automation_share,
        {.doc = "Share of the cases that need no person any more.", .range = Range::between(0, 1)});
  visit("hourly_wage", self.hourly_wage,
        {.doc = "What an hour of that person costs.", .range = Range::at_least(0)});
}

template <Like<ScenarioSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("name", self.name, {.doc = "What the scenario is called.", .required = true});
  visit("data", self.data, {.doc = "What is scored, as in `data.validation` of a recipe."});
  visit("suites", self.suites, {.doc = "What is asked, as in `evaluation.suites` of a recipe."});
  visit(
      "prompts", self.prompts,
      {.doc = "File of prompts, one a line, that are answered for the times; none are measured where empty.",
       .path = PathRule::kPath});
  visit("max_new_tokens", self.max_new_tokens,
        {.doc = "Longest answer to a prompt, in tokens.", .range = Range::between(1, kMostTokens)});
  visit("gates", self.gates, {.doc = "Conditions that must hold, as in `evaluation.gates` of a recipe."});
  visit("budget", self.budget, {.doc = "What a model may take at most."});
  visit("pilot", self.pilot, {.doc = "What a pilot would be worth."});
}

template <Like<MachineSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("price_per_hour", self.price_per_hour,
        {.doc = "Price of an hour of the machine; 0 computes no cost.", .range = Range::at_least(0)});
  visit("currency", self.currency, {.doc = "Of the price and of wages."});
}

template <Like<MatrixSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("models", self.models, {.doc = "The models.", .required = true});
  visit("scenarios", self.scenarios, {.doc = "The scenarios.", .required = true});
  visit("machine", self.machine, {.doc = "What the machine costs."});
}

}  // namespace lore
