#pragma once

#include "lore/recipe/field.h"
#include "lore/recipe/specs.h"

/// The description (describe.h) of `model` and `adapter`.

namespace lore {

template <Like<ModelSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit(
      "path", self.path,
      {.doc = "The base model: a Hugging Face folder, a `.gguf` file, a snapshot folder of the Hugging Face "
              "cache, or a hub id (`owner/name`) that the local cache holds. Nothing is fetched.",
       .required = true,
       .path = PathRule::kPathOrHubId,
       .example = "./models/base",
       .also_known_as = "model_name_or_path pretrained_model_name_or_path base_model model_id name"});
  visit("dtype", self.dtype,
        {.doc = "Type of the frozen weights and of the activations. `auto` takes bfloat16 where the device "
                "computes in it, else float32. The adapter is trained in float32 either way.",
         .choices = {"auto", "float32", "bfloat16"},
         .example = "auto",
         .also_known_as = "torch_dtype precision compute_dtype"});
  visit("device", self.device,
        {.doc = "Where the model is computed; `cuda` is the first GPU, `cuda:N` the one after N others.",
         .choices = {"cpu", "cuda", "cuda:N"},
         .also_known_as = "device_map"});
}

template <Like<AdapterSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("method", self.method,
        {.doc = "How the weights are adapted. `lora`: low-rank update, W + scale · B·A (arXiv 2106.09685).",
         .choices = {"lora"},
         .also_known_as = "peft_type adapter"});
  visit("r", self.r,
        {.doc = "Rank of the update. Size, memory and capacity of the adapter grow in proportion.",
         .range = Range::between(1, kMostExamples),
         .example = "16",
         .also_known_as = "rank lora_r lora_rank"});
  visit("lora_alpha", self.lora_alpha,
        {.doc = "Numerator of the scale: the update is multiplied by `lora_alpha` / `r`.",
         .range = Range::above(0),
         .example = "32",
         .also_known_as = "alpha"});
  visit("lora_dropout", self.lora_dropout,
        {.doc = "Probability with which an input element of the update is dropped while training.",
         .range = Range::up_to(0, 1),
         .example = "0.1",
         .also_known_as = "dropout"});
  visit("target_modules", self.target_modules,
        {.doc =
             "Which linear layers are adapted. A list: names that equal or end with `.` + an item. A string: "
             "a regex over the whole name, or `all-linear` for every linear layer but the output embedding.",
         .example = "[q_proj, v_proj]",
         .also_known_as = "lora_target lora_target_modules modules"});
  visit("exclude_modules", self.exclude_modules,
        {.doc = "Layers left out although `target_modules` names them. A list or a regex, as there."});
  visit("layers_to_transform", self.layers_to_transform,
        {.doc = "Indices of the decoder layers that are adapted, from 0; all where empty. Not with a string "
                "`target_modules`.",
         .range = Range::between(0, kMostExamples)});
  visit(
      "layers_pattern", self.layers_pattern,
      {.doc =
           "Names of the module list that `layers_to_transform` counts in, where it is not the first number "
           "of a name. Only with `layers_to_transform`."});
  visit(
      "rank_pattern", self.rank_pattern,
      {.doc =
           "Rank by module: a regex that matches the end of a name after a dot, and the `r` there. The first "
           "that matches wins.",
       .range = Range::between(1, kMostExamples)});
  visit("alpha_pattern", self.alpha_pattern,
        {.doc = "`lora_alpha` by module, as `rank_pattern`.", .range = Range::above(0)});
  visit("bias", self.bias, {.doc = "Which biases are trained.", .choices = {"none"}});
  visit("use_rslora", self.use_rslora,
        {.doc = "Scale by `lora_alpha` / √`r` instead (rank-stabilized, arXiv 2312.03732)."});
  visit("task_type", self.task_type,
        {.doc = "Task recorded in adapter_config.json.", .choices = {"CAUSAL_LM"}});
  visit(
      "init_lora_weights", self.init_lora_weights,
      {.doc = "How A starts; B starts at zero, so the adapter starts as no change. `true`: Kaiming-uniform; "
              "`gaussian`: normal with standard deviation 1 / `r`.",
       .choices = {"gaussian"}});
  visit("init_from", self.init_from,
        {.doc = "Folder of an existing PEFT adapter whose A and B training starts from.",
         .path = PathRule::kPath,
         .also_known_as = "lora_model_dir adapter_name_or_path"});
  visit("base_model_name_or_path", self.base_model_name_or_path,
        {.doc = "What adapter_config.json records as its base: a hub id or a name, no path of this machine. "
                "Derived from `model.path` where unset."});
}

}  // namespace lore
