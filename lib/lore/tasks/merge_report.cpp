#include "lore/tasks/merge_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "lore/tasks/provenance.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

Json digest_json(const TensorsDigest& digest) {
  return {{"sha256", digest.sha256}, {"tensors", digest.tensors}, {"bytes", digest.bytes}};
}

Json update_json(const RoundedUpdate& update) {
  return {{"surviving_share", surviving_share(update)},
          {"norm", std::sqrt(update.squared_norm)},
          {"changed_elements", update.changed},
          {"elements", update.elements}};
}

Json difference_json(const LogitDifference& difference) {
  return {{"max_abs", difference.max_abs},
          {"mean_abs", difference.mean_abs},
          {"kl", difference.kl},
          {"max_kl", difference.max_kl},
          {"top1_agreement", difference.top1_agreement}};
}

Json proof_json(const std::optional<MergeProof>& proof) {
  if (!proof) {
    return {{"verified", false}, {"reason", "--no-verify"}};
  }
  return {{"verified", proof->holds()},
          {"probe", {{"source", proof->probe}, {"sequences", proof->sequences}, {"tokens", proof->tokens}}},
          {"bounds",
           {{"max_abs", proof->max_abs_bound > 0 ? Json(proof->max_abs_bound) : Json()},
            {"kl", proof->kl_bound}}},
          {"merged", difference_json(proof->merged)},
          {"adapter_effect", difference_json(proof->adapter_effect)},
          {"base_rounding", proof->base_rounding ? difference_json(*proof->base_rounding) : Json()}};
}

Json restoration_json(const Restoration& restoration) {
  Json json{{"base", restoration.base.empty() ? Json() : Json(restoration.base)}};
  json["exact"] = restoration.base.empty() ? Json() : Json(restoration.exact);
  json["original"] = Json();
  if (restoration.original) {
    json["original"] = {{"name", restoration.original_name},
                        {"max_abs", restoration.original->max_abs},
                        {"differing_elements", restoration.original->differing},
                        {"elements", restoration.original->elements}};
  }
  return json;
}

/// The updates of each leaf name taken together: "q_proj", "v_proj".
std::map<std::string, RoundedUpdate> by_leaf(const std::vector<ModuleUpdate>& updates) {
  std::map<std::string, RoundedUpdate> leaves;
  for (const ModuleUpdate& update : updates) {
    leaves[update.module.substr(update.module.rfind('.') + 1)] += update.update;
  }
  return leaves;
}

}  // namespace

RoundedUpdate MergeReport::total() const {
  RoundedUpdate sum;
  for (const ModuleUpdate& update : updates) {
    sum += update.update;
  }
  return sum;
}

double surviving_share(const RoundedUpdate& update) {
  return update.squared_norm > 0 ? update.projection / update.squared_norm : 0;
}

Json to_json(const MergeReport& report) {
  Json json{{"format", 1}, {"operation", report.subtract ? "subtract" : "merge"}};
  json["made_by"] = Provenance::versions();
  json["base"] = digest_json(report.base);
  json["base"]["name"] = report.base_name;
  json["base"]["binding"] = report.binding;
  if (!report.difference.empty()) {
    json["base"]["difference"] = report.difference;
  }
  json["adapter"] = digest_json(report.adapter);
  json["adapter"]["name"] = report.adapter_name;
  json["adapter"]["r"] = report.config.r;
  json["adapter"]["lora_alpha"] = report.config.lora_alpha;
  json["adapter"]["use_rslora"] = report.config.use_rslora;
  json["adapter"]["use_dora"] = report.config.use_dora;
  json["adapter"]["bias"] = report.config.bias;
  json["adapter"]["modules_to_save"] = report.config.modules_to_save;
  if (!report.parts.is_null()) {
    json["parts"] = report.parts;
  }
  json["dtype"] = report.dtype;
  json["untied_head"] = report.untied;
  json["shards"] = report.shards;
  json["merged"] = report.merged ? digest_json(*report.merged) : Json();
  json["update"] = update_json(report.total());
  json["update"]["modules"] = Json::object();
  for (const auto& [leaf, update] : by_leaf(report.updates)) {
    json["update"]["modules"][leaf] = update_json(update);
  }
  json["proof"] = proof_json(report.proof);
  if (report.restoration) {
    json["restoration"] = restoration_json(*report.restoration);
  }
  json["copied_files"] = report.copied;
  json["missing_files"] = report.missing;
  return json;
}

std::string merged_model_card(const MergeReport& report) {
  std::string card = "---\nlibrary_name: transformers\n";
  card += fmt::format("base_model: {}\n", Json(report.base_name).dump());
  if (!report.licence.empty()) {
    card += fmt::format("license: {}\n", Json(report.licence).dump());
  }
  card += fmt::format("tags:\n- {}\n- lora\n---\n\n# {} model\n\n", report.subtract ? "unmerged" : "merged",
                      report.subtract ? "Unmerged" : "Merged");
  card += fmt::format("`{}` with the LoRA adapter `{}` {} its weights by Lore.\n\n", report.base_name,
                      report.adapter_name, report.subtract ? "taken out of" : "merged into");
  card += "| | |\n|---|---|\n";
  card += fmt::format("| base | {}, SHA-256 of its tensors {} |\n", report.base_name, report.base.sha256);
  card += fmt::format("| adapter | rank {}, lora_alpha {:g}{}{}, SHA-256 of its tensors {} |\n",
                      report.config.r, report.config.lora_alpha, report.config.use_rslora ? ", rsLoRA" : "",
                      report.config.use_dora ? ", DoRA" : "", report.adapter.sha256);
  card += fmt::format("| {} | {} |\n", report.subtract ? "adapter in the model" : "base of the adapter",
                      report.binding);
  card += fmt::format("| dtype | {} |\n", report.dtype);
  card += fmt::format("| update left after rounding | {:.2f}% |\n", 100 * surviving_share(report.total()));
  if (report.proof) {
    card +=
        fmt::format("| proof | KL {:.2e} nats a token from {} + adapter on {} tokens |\n",
                    report.proof->merged.kl, report.subtract ? "this model" : "base", report.proof->tokens);
  } else {
    card += "| proof | skipped (--no-verify) |\n";
  }
  card +=
      fmt::format("| licence | {} |\n",
                  report.licence.empty() ? "as the base's, which names none in its files" : report.licence);
  card += "\nThe licence of the base model holds for this one too. `lore_merge.json` has every number.\n";
  return card;
}

}  // namespace lore
