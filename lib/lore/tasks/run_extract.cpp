#include "lore/tasks/run_extract.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <nlohmann/json.hpp>

#include "lore/adapters/adapter_writer.h"
#include "lore/adapters/module_matching.h"
#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"
#include "lore/formats/hf_cache.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/difference_svd.h"
#include "lore/tasks/output_place.h"
#include "lore/tasks/provenance.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void check(const ExtractRequest& request) {
  if (!request.rank && !request.explain) {
    throw Error(
        ErrorKind::kUsage, "--rank",
        "is needed: the rank of the adapter, or --explain with the share of the difference to explain");
  }
  if (request.explain && !(*request.explain > 0 && *request.explain < 1)) {
    throw Error(ErrorKind::kUsage, "--explain",
                fmt::format("must be above 0 and below 1, got {}", *request.explain));
  }
}

const char* head_source(const LlamaConfig& config) {
  return config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
}

/// A tensor of both models; the head may be stored as the embeddings in one of them.
struct Pair {
  std::string name;  ///< of the module for a linear, else of the tensor
  std::string base;
  std::string tuned;
  std::vector<std::int64_t> shape;
};

std::vector<Pair> linears_of(const LlamaConfig& base, const LlamaConfig& tuned) {
  std::vector<Pair> pairs;
  for (const LinearShape& linear : model_linears(base)) {
    pairs.push_back({linear.name, linear.name + ".weight", linear.name + ".weight", {linear.out, linear.in}});
  }
  if (!base.tie_word_embeddings || !tuned.tie_word_embeddings) {
    pairs.push_back({"lm_head", head_source(base), head_source(tuned), {base.vocab_size, base.hidden_size}});
  }
  return pairs;
}

std::vector<Pair> others_of(const LlamaConfig& config) {
  std::vector<Pair> pairs;
  for (const ParameterShape& parameter : model_parameters(config)) {
    const bool is_linear = parameter.shape.size() == 2 && parameter.name != "model.embed_tokens.weight";
    if (!is_linear) {
      pairs.push_back({parameter.name, parameter.name, parameter.name, parameter.shape});
    }
  }
  return pairs;
}

/// Both models must have the same tensors but for a head that is tied in one of them.
void refuse_other_shape(const LlamaConfig& base, const LlamaConfig& tuned, const ExtractRequest& request) {
  const auto without_head = [](const LlamaConfig& config) {
    std::vector<ParameterShape> parameters = model_parameters(config);
    std::erase_if(parameters, [](const ParameterShape& p) { return p.name == "lm_head.weight"; });
    return parameters;
  };
  const std::vector<ParameterShape> first = without_head(base);
  const std::vector<ParameterShape> second = without_head(tuned);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    const bool same = i < first.size() && i < second.size() && first[i].name == second[i].name &&
                      first[i].shape == second[i].shape;
    if (!same) {
      throw Error(
          ErrorKind::kInput, request.tuned,
          fmt::format("is not of the shape of {}: they part at tensor {}; a LoRA can only be taken from "
                      "two models of one architecture, sizes and vocabulary",
                      request.base, (i < first.size() ? first : second)[i].name));
    }
  }
}

/// Which of the linears the targets name; all where there are none.
std::vector<bool> chosen(const ExtractRequest& request, const std::vector<Pair>& linears) {
  if (request.targets.empty()) {
    return std::vector<bool>(linears.size(), true);
  }
  std::vector<std::string> names;
  names.reserve(linears.size());
  for (const Pair& linear : linears) {
    names.push_back(linear.name);
  }
  PeftConfig config;
  config.target_modules = request.targets.size() == 1 && is_all_linear(request.targets.front())
                              ? ModuleNames(request.targets.front())
                              : ModuleNames(request.targets);
  std::vector<bool> result(linears.size());
  for (const MatchedModule& module : match_modules(config, names)) {
    result[module.linear] = true;
  }
  return result;
}

PeftConfig config_of(const ExtractOutcome& outcome, const std::vector<Pair>& linears) {
  std::vector<std::string> adapted;
  std::vector<std::string> all;
  PeftConfig config;
  for (const Pair& linear : linears) {
    all.push_back(linear.name);
  }
  for (const ExtractedModule& module : outcome.modules) {
    adapted.push_back(module.name);
    if (module.rank != outcome.rank) {
      config.rank_pattern.emplace_back(module.name, module.rank);
      config.alpha_pattern.emplace_back(module.name, static_cast<double>(module.rank));
    }
  }
  config.task_type = "CAUSAL_LM";
  config.base_model_name_or_path = outcome.base_name;
  config.r = outcome.rank;
  config.lora_alpha = static_cast<double>(outcome.rank);
  config.target_modules = exact_targets(adapted, all);
  return config;
}

Json digest_json(const std::string& name, const TensorsDigest& digest) {
  return {{"name", name}, {"sha256", digest.sha256}, {"tensors", digest.tensors}, {"bytes", digest.bytes}};
}

std::string model_card(const ExtractOutcome& outcome) {
  std::string card = fmt::format("---\nlibrary_name: peft\nbase_model: {}\ntags:\n- lora\n---\n\n",
                                 Json(outcome.base_name).dump());
  card += fmt::format(
      "# Extracted LoRA adapter\n\nThe difference of `{}` from `{}`, cut to low rank by Lore.\n\n",
      outcome.tuned_name, outcome.base_name);
  card += fmt::format("| | |\n|---|---|\n| largest rank | {} |\n| modules | {} |\n| parameters | {} |\n",
                      outcome.rank, outcome.modules.size(), outcome.parameters);
  card += fmt::format("| of the difference of these modules | {:.2f}% |\n| of all that differs | {:.2f}% |\n",
                      100 * outcome.explained(), 100 * outcome.explained_of_all());
  card += "\n`lore_manifest.json` holds the SHA-256 of both models.\n";
  return card;
}

void sort_left_out(std::vector<LeftOut>& left_out) {
  std::sort(left_out.begin(), left_out.end(), [](const LeftOut& a, const LeftOut& b) {
    return a.difference.squared_norm > b.difference.squared_norm;
  });
}

void refuse_nothing(const ExtractOutcome& outcome, const ExtractRequest& request) {
  if (!outcome.modules.empty()) {
    return;
  }
  if (outcome.left_out.empty()) {
    throw Error(ErrorKind::kRefused, request.tuned,
                fmt::format("has the same weights as {}: there is nothing to extract", request.base));
  }
  throw Error(
      ErrorKind::kRefused, request.tuned,
      fmt::format("differs from {} only in {} tensor(s) that the adapter would not be on, the first is {}",
                  request.base, outcome.left_out.size(), outcome.left_out.front().name));
}

}  // namespace

double ExtractOutcome::explained() const {
  double total = 0;
  double residual = 0;
  for (const ExtractedModule& module : modules) {
    total += module.squared_norm;
    residual += module.residual;
  }
  return total > 0 ? 1 - residual / total : 0;
}

double ExtractOutcome::explained_of_all() const {
  double adapted = 0;
  for (const ExtractedModule& module : modules) {
    adapted += module.squared_norm;
  }
  double total = adapted;
  for (const LeftOut& tensor : left_out) {
    total += tensor.difference.squared_norm;
  }
  return total > 0 ? explained() * adapted / total : 0;
}

std::optional<ExtractOutcome> run_extract(const ExtractRequest& request, const Environment& environment,
                                          Messages& messages, const ModuleProgress& progress) {
  const auto start = std::chrono::steady_clock::now();
  const std::function<bool()> stop = [&] { return *environment.signal != 0; };
  check(request);
  const fs::path base_path = find_model(request.base, fs::current_path(), environment.cache_roots);
  const fs::path tuned_path = find_model(request.tuned, fs::current_path(), environment.cache_roots);
  ExtractOutcome outcome;
  outcome.folder = tidy_output(request.output);
  check_output(outcome.folder, std::vector{base_path, tuned_path},
               {request.overwrite, "adapter_config.json", "an adapter"});
  MergeBase base = MergeBase::open(base_path);
  const std::unique_ptr<WeightSource> tuned = open_weights(tuned_path);
  for (const LlamaConfig* config : {&base.weights->config(), &tuned->config()}) {
    for (const std::string& warning : config->warnings) {
      messages.warning(warning);
    }
  }
  refuse_other_shape(base.weights->config(), tuned->config(), request);
  outcome.base_name = base_name(base_path, request.base);
  outcome.tuned_name = base_name(tuned_path, request.tuned);
  const auto hash = [&](const WeightSource& source) {
    return std::async(std::launch::async, [&source, &environment, stop] {
      return digest_tensors(source.files(), FileMemo(environment.hash_dir), stop);
    });
  };
  const std::vector<Pair> linears = linears_of(base.weights->config(), tuned->config());
  const std::vector<bool> wanted = chosen(request, linears);
  AtomicFolder folder(outcome.folder);
  std::future<TensorsDigest> base_hash = hash(*base.weights);
  std::future<TensorsDigest> tuned_hash = hash(*tuned);

  const DifferenceSvd svd(*base.weights, *tuned);
  for (const Pair& other : others_of(base.weights->config())) {
    const WeightDifference difference = svd.compare(other.base, other.tuned, other.shape);
    if (difference.differing > 0) {
      outcome.left_out.push_back({other.name, difference});
    }
  }
  std::vector<LowRank> updates;
  for (std::size_t i = 0; i < linears.size(); ++i) {
    if (stop() || !progress(i, linears.size())) {
      return std::nullopt;
    }
    const Pair& linear = linears[i];
    if (!wanted[i]) {
      const WeightDifference difference = svd.compare(linear.base, linear.tuned, linear.shape);
      if (difference.differing > 0) {
        outcome.left_out.push_back({linear.name + ".weight", difference});
      }
      continue;
    }
    std::optional<LowRankDifference> found =
        svd.approximate(linear.base, linear.tuned, linear.shape, {request.rank, request.explain});
    if (found) {
      const std::int64_t rank = found->update.rank();
      outcome.modules.push_back({linear.name, rank, found->difference.squared_norm, found->residual});
      outcome.rank = std::max(outcome.rank, rank);
      outcome.parameters += rank * (linear.shape[0] + linear.shape[1]);
      updates.push_back(std::move(found->update));
    }
  }
  sort_left_out(outcome.left_out);
  refuse_nothing(outcome, request);
  std::vector<AdapterWriter::Module> modules;
  for (const ExtractedModule& module : outcome.modules) {
    const auto linear = std::find_if(linears.begin(), linears.end(),
                                     [&](const Pair& pair) { return pair.name == module.name; });
    modules.push_back({{module.name, linear->shape[0], linear->shape[1]}, module.rank});
  }
  AdapterWriter writer(folder.staging(), config_of(outcome, linears), modules);
  for (std::size_t i = 0; i < updates.size(); ++i) {
    writer.write(i, updates[i]);
  }
  writer.finish();
  updates.clear();
  if (request.verify) {
    std::vector<std::string> warnings;
    const StoredAdapter adapter = StoredAdapter::open(folder.staging(), base.weights->config(), warnings);
    base.adapt(adapter);
    const MergeProbe probe = make_probe(tuned_path, request.probe, base.weights->config());
    MergePlan plan;
    plan.dtype = DType::kF32;
    outcome.proof = prove_merge(base, adapter, plan, tuned_path, probe, stop);
  }
  outcome.base = base_hash.get();
  outcome.tuned = tuned_hash.get();
  if (stop()) {
    return std::nullopt;
  }
  Json manifest{{"format", 1}, {"made_by", Provenance::versions()}};
  manifest["hashes"]["base"] = digest_json(outcome.base_name, outcome.base);
  manifest["extraction"] = {{"tuned", digest_json(outcome.tuned_name, outcome.tuned)},
                            {"explained", outcome.explained()},
                            {"explained_of_all", outcome.explained_of_all()}};
  write_file_atomically(folder.staging() / "lore_manifest.json", manifest.dump(2) + "\n");
  write_file_atomically(folder.staging() / "README.md", model_card(outcome));
  folder.commit();
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

Json to_json(const ExtractOutcome& outcome) {
  Json json;
  json["base"] = digest_json(outcome.base_name, outcome.base);
  json["tuned"] = digest_json(outcome.tuned_name, outcome.tuned);
  json["rank"] = outcome.rank;
  json["parameters"] = outcome.parameters;
  json["explained"] = outcome.explained();
  json["explained_of_all"] = outcome.explained_of_all();
  double total = 0;
  json["modules"] = Json::array();
  for (const ExtractedModule& module : outcome.modules) {
    total += module.squared_norm;
    json["modules"].push_back({{"name", module.name},
                               {"rank", module.rank},
                               {"norm", std::sqrt(module.squared_norm)},
                               {"explained", 1 - module.residual / module.squared_norm}});
  }
  for (const LeftOut& tensor : outcome.left_out) {
    total += tensor.difference.squared_norm;
  }
  json["left_out"] = Json::array();
  for (const LeftOut& tensor : outcome.left_out) {
    json["left_out"].push_back({{"name", tensor.name},
                                {"norm", std::sqrt(tensor.difference.squared_norm)},
                                {"share", tensor.difference.squared_norm / total},
                                {"max_abs", tensor.difference.max_abs}});
  }
  json["proof"] = Json();
  if (outcome.proof) {
    json["proof"] = {{"kl_to_tuned", outcome.proof->merged.kl},
                     {"max_abs", outcome.proof->merged.max_abs},
                     {"kl_to_base", outcome.proof->adapter_effect.kl},
                     {"top1_agreement", outcome.proof->merged.top1_agreement},
                     {"tokens", outcome.proof->tokens}};
  }
  json["output"] = outcome.folder.string();
  json["seconds"] = outcome.seconds;
  return json;
}

}  // namespace lore
