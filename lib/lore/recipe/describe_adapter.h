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
  visit("quantization", self.quantization,
        {.doc = "How the frozen matrices are held in memory: `none` as numbers of `dtype`; `stored` as the "
                "blocks of a GGUF file; `int8` with a scale for each row; `int4` with one for each 128 (or "
                "32) neighbours; `nf4`, QLoRA's 4-bit NormalFloat with double quantization. Products decode "
                "them, and the adapter is trained on top. On the CPU.",
         .choices = {"none", "stored", "int8", "int4", "nf4"},
         .example = "none",
         .also_known_as = "quantization_bit load_in_4bit load_in_8bit bnb_4bit_quant_type"});
  visit("device", self.device,
        {.doc = "Where the model is computed; `cuda` is the first GPU, `cuda:N` the one after N others.",
         .choices = {"cpu", "cuda", "cuda:N"},
         .also_known_as = "device_map"});
}

template <Like<EvaSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit(
      "rho", self.rho,
      {.doc = "The rank that a module may get at most is `rho` times its `r`; the sum over all modules stays "
              "as it is. 1 leaves every rank at `r`.",
       .range = Range::between(1, 1000)});
  visit("tau", self.tau,
        {.doc =
             "A component has settled once the cosine between it and itself a batch before is at least this.",
         .range = Range::up_to(0, 1)});
  visit("use_label_mask", self.use_label_mask,
        {.doc = "Look at the trained tokens alone. `false` looks at all tokens, for batches with few trained "
                "ones."});
  visit(
      "adjust_scaling_factors", self.adjust_scaling_factors,
      {.doc =
           "Scale `lora_alpha` of a module with its rank, so that its scale stays `lora_alpha` / `r` of the "
           "recipe."});
}

template <Like<AdapterSpec> Self, class Visitor>
void describe(Self& self, Visitor& visit) {
  visit("method", self.method,
        {.doc = "How the weights are adapted. `lora`: low-rank update, W + scale · B·A (arXiv 2106.09685); "
                "`use_dora`, `use_rslora`, `freeze_a` and `init_lora_weights` choose its kind.",
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
  visit(
      "target_modules", self.target_modules,
      {.doc =
           "Which layers are adapted: linear layers, `lm_head` and `embed_tokens`. A list: names that equal "
           "or "
           "end with `.` + an item. A string: a regex over the whole name, or `all-linear` for every linear "
           "layer but the output head.",
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
  visit("bias", self.bias,
        {.doc = "Which of the model's own biases are trained: `all`, or `lora_only` for those of the adapted "
                "layers. A model without biases has none to train.",
         .choices = {"none", "all", "lora_only"}});
  visit(
      "modules_to_save", self.modules_to_save,
      {.doc = "Modules that are trained whole and saved beside the low-rank updates: every module whose name "
              "ends with an item, such as `embed_tokens`, `lm_head`, `norm` or `down_proj`. Each parameter "
              "takes 16 bytes of memory and gets no low-rank update.",
       .example = "[embed_tokens, lm_head]",
       .also_known_as = "additional_target lora_modules_to_save"});
  visit("use_rslora", self.use_rslora,
        {.doc = "Scale by `lora_alpha` / √`r` instead (rank-stabilized, arXiv 2312.03732)."});
  visit("use_dora", self.use_dora,
        {.doc = "Also train the norm of each row of W + scale · B·A, the magnitude (DoRA, arXiv 2402.09353).",
         .also_known_as = "dora"});
  visit("freeze_a", self.freeze_a,
        {.doc = "Train B alone and leave A as it starts: half the trained numbers and optimizer state "
                "(FFA-LoRA, arXiv 2403.12313).",
         .also_known_as = "ffa_lora freeze_lora_a"});
  visit("task_type", self.task_type,
        {.doc = "Task recorded in adapter_config.json.", .choices = {"CAUSAL_LM"}});
  visit(
      "init_lora_weights", self.init_lora_weights,
      {.doc = "How A and B start; the adapter always starts as no change. `true`: A Kaiming-uniform, B zero; "
              "`gaussian`: A normal with standard deviation 1 / `r`, B zero; `orthogonal`: both out of one "
              "orthogonal matrix, even `r` alone; `pissa`: the largest singular values of the base weight "
              "(arXiv 2404.02948), `pissa_niter_N` by N power iterations, which is faster; `olora`: its QR "
              "decomposition (arXiv 2406.01775). Of these three the saved adapter has twice the rank. `eva`: "
              "A out "
              "of what the layers see of the training data, the ranks shared out anew (arXiv 2410.07170). "
              "See [methods](methods.md).",
       .choices = {"gaussian", "orthogonal", "pissa", "pissa_niter_N", "olora", "eva"},
       .refused = {
           {"loftq",
            "gives an adapter that is right on one quantized copy of the base alone, which Lore does not "
            "write; use pissa, or name a quantized GGUF file as model.path and train on that"}}});
  visit("eva_config", self.eva_config, {.doc = "Of `init_lora_weights: eva`."});
  visit("init_from", self.init_from,
        {.doc = "Folder of an existing PEFT adapter whose A and B training starts from.",
         .path = PathRule::kPath,
         .also_known_as = "lora_model_dir adapter_name_or_path"});
  visit(
      "save_dtype", self.save_dtype,
      {.doc =
           "Type of the numbers in the written adapter, which is trained in float32 whatever this says; the "
           "half types halve the file and round each number once.",
       .choices = {"float32", "bfloat16", "float16"}});
  visit("base_model_name_or_path", self.base_model_name_or_path,
        {.doc = "What adapter_config.json records as its base: a hub id or a name, no path of this machine. "
                "Derived from `model.path` where unset."});
}

}  // namespace lore
