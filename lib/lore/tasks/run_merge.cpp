#include "lore/tasks/run_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>

#include "lore/core/atomic_file.h"
#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"
#include "lore/formats/hf_cache.h"
#include "lore/formats/json_file.h"
#include "lore/tasks/base_binding.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/gguf_tokenizer_files.h"
#include "lore/tasks/merge_probe.h"
#include "lore/tasks/merge_source.h"
#include "lore/tasks/merged_config.h"
#include "lore/tasks/model_files.h"
#include "lore/tasks/output_place.h"
#include "lore/tasks/replaced_parameters.h"

namespace lore {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kReportName = "lore_merge.json";
/// Less of the update than this is as good as none.
constexpr double kLeastShare = 0.01;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Reads everything once: NaN is found before anything is written, and so is an adapter of zeros.
void refuse_zero_adapter(const StoredAdapter& adapter, const std::string& folder) {
  bool changes = false;
  const auto is_zero = [](const at::Tensor& matrix) { return !matrix.any().item<bool>(); };
  for (const StoredLowRank& module : adapter.modules()) {
    const LowRank low_rank = adapter.read(module);
    changes = changes || low_rank.is_dora() ||
              (low_rank.scale != 0 && !is_zero(low_rank.a) && !is_zero(low_rank.b));
  }
  for (const StoredParameter& parameter : adapter.full()) {
    adapter.read(parameter);
    changes = true;
  }
  if (changes) {
    return;
  }
  throw Error(ErrorKind::kRefused, folder,
              "changes nothing: B A is zero in every module (an adapter that was never trained?), so the "
              "merged model would be the base");
}

void refuse_no_op(const MergeReport& report) {
  const RoundedUpdate total = report.total();
  const double share = surviving_share(total);
  if (total.changed == 0 || share < kLeastShare) {
    throw Error(
        ErrorKind::kRefused, "merge",
        fmt::format("{} of {} adapted weights change and {:.2f}% of the update is left after rounding "
                    "to {}: the merged model would be the base; merge with --dtype float32, or keep "
                    "the adapter apart",
                    total.changed, total.elements, 100 * share, report.dtype));
  }
}

void refuse_failed(const MergeProof& proof, bool subtract) {
  if (!proof.holds()) {
    throw Error(
        ErrorKind::kRefused, "proof",
        fmt::format("{}: largest logit difference {:.3g}{}, KL {:.3g} (bound {:.3g}) over {} tokens; nothing "
                    "was written",
                    subtract ? "the result + adapter is not the merged model"
                             : "the merged model is not base + adapter",
                    proof.merged.max_abs,
                    proof.max_abs_bound > 0 ? fmt::format(" (bound {:.3g})", proof.max_abs_bound) : "",
                    proof.merged.kl, proof.kl_bound, proof.tokens));
  }
}

/// The bases that the adapters name, with a warning for each that names none.
std::vector<BaseBinding> read_bindings(const MergeRequest& request, std::vector<std::string>& warnings) {
  std::vector<BaseBinding> bindings;
  for (const WeightedAdapter& adapter : request.adapters) {
    if (auto binding = read_base_binding(adapter.folder)) {
      bindings.push_back(std::move(*binding));
    } else {
      warnings.push_back(
          fmt::format("{} does not record the base it was made on (no lore_manifest.json), so a wrong base "
                      "cannot be told",
                      adapter.folder));
    }
  }
  return bindings;
}

/// Compares the base with those the adapters name. Returns what to record.
std::string check_binding(const std::vector<BaseBinding>& bindings, MergeReport& report,
                          const MergeRequest& request, Messages& messages) {
  for (const BaseBinding& binding : bindings) {
    report.difference = base_difference(binding, report.base_name, report.base);
    if (report.difference.empty()) {
      continue;
    }
    if (!request.allow_base_mismatch) {
      throw Error(ErrorKind::kRefused, request.base,
                  report.difference + "; give that base, or --allow-base-mismatch to merge all the same");
    }
    messages.warning(report.difference + "; merging all the same (--allow-base-mismatch)");
    return "other base allowed";
  }
  return bindings.empty() ? "not recorded" : "same base";
}

void write_config(const MergeBase& base, const MergePlan& plan, const fs::path& folder) {
  const std::string_view dtype = config_name(plan.dtype);
  const nlohmann::ordered_json config =
      base.checkpoint ? merged_config(read_ordered_json_file(base.path / "config.json"), dtype, plan.unties)
                      : config_from_gguf(base.path, base.weights->config(), dtype, plan.unties);
  write_file_atomically(folder / "config.json", config.dump(2) + "\n");
}

std::vector<fs::path> inputs_of(const MergeRequest& request, const fs::path& base) {
  std::vector<fs::path> inputs{base};
  for (const WeightedAdapter& adapter : request.adapters) {
    inputs.emplace_back(adapter.folder);
  }
  return inputs;
}

/// Opens an adapter for a base that is not adapted yet.
StoredAdapter open_adapter(const fs::path& folder, const MergeBase& base,
                           std::vector<std::string>& warnings) {
  return StoredAdapter::open(folder, base.weights->config(), warnings, weights_of(*base.weights));
}

/// The same of one whose warnings have been told.
StoredAdapter open_adapter(const fs::path& folder, const MergeBase& base) {
  std::vector<std::string> told_already;
  return open_adapter(folder, base, told_already);
}

void check_adapters(const MergeRequest& request, const MergeBase& base, std::vector<std::string>& warnings) {
  for (const WeightedAdapter& given : request.adapters) {
    const StoredAdapter adapter = open_adapter(given.folder, base, warnings);
    refuse_zero_adapter(adapter, given.folder);
  }
}

/// Runs the result + adapter beside the merged model that was given: the proof of a merge, turned around.
std::optional<MergeProof> prove_subtraction(const MergeRequest& request, const fs::path& output,
                                            const MergePlan& plan, const fs::path& result,
                                            const fs::path& merged, const MergeProbe& probe,
                                            const std::function<bool()>& stop) {
  MergeBase base = MergeBase::open(result);
  const auto source =
      open_merge_source(request.adapters, 1, adaptable_modules(base.weights->config()), output, stop);
  if (!source) {
    return std::nullopt;
  }
  const StoredAdapter adapter = open_adapter(source->folder, base);
  base.adapt(adapter);
  return prove_merge(base, adapter, plan, merged, probe, stop);
}

/// Compares the result with the base that the adapter was made on.
Restoration what_came_back(const MergeRequest& request, const std::vector<BaseBinding>& bindings,
                           const fs::path& result, const Environment& environment, MergeReport& report) {
  Restoration restoration;
  if (!report.merged) {
    report.merged = digest_tensors(open_weights(result)->files());
  }
  if (!bindings.empty()) {
    restoration.base = bindings.front().name;
    restoration.exact = bindings.front().digest == *report.merged;
  }
  if (!request.original.empty()) {
    const fs::path original = find_model(request.original, fs::current_path(), environment.cache_roots);
    restoration.original_name = base_name(original, request.original);
    restoration.original = compare_weights(*open_weights(original), *open_weights(result));
  }
  return restoration;
}

}  // namespace

std::optional<MergeOutcome> run_merge(const MergeRequest& request, const Environment& environment,
                                      Messages& messages) {
  const fs::path base_path = find_model(request.base, fs::current_path(), environment.cache_roots);
  const fs::path output = tidy_output(request.output);
  check_output(output, inputs_of(request, base_path), {request.overwrite, kReportName, "a merged model"});
  MergeBase base = MergeBase::open(base_path);
  std::vector<std::string> warnings = base.weights->config().warnings;
  const std::vector<LinearShape> modules = adaptable_modules(base.weights->config());
  const std::function<bool()> stop = [&] { return *environment.signal != 0; };
  const std::vector<BaseBinding> bindings = read_bindings(request, warnings);
  check_adapters(request, base, warnings);
  for (const std::string& warning : warnings) {
    messages.warning(warning);
  }
  const std::optional<MergeSource> source =
      open_merge_source(request.adapters, request.subtract ? -1 : 1, modules, output, stop);
  if (!source) {
    return std::nullopt;
  }
  const StoredAdapter adapter = open_adapter(source->folder, base);
  base.adapt(adapter);
  if (!request.subtract) {
    refuse_other_base_copies(adapter, base);
  }
  const MergePlan plan = plan_merge(base, adapter, request.dtype, request.shard_bytes);
  constexpr std::uint64_t kOtherFiles = 64'000'000;
  check_space(output, plan.bytes + kOtherFiles);
  if (plan.unties) {
    messages.info(
        "the head is tied to the embeddings and the adapter changes one of the two: both are written, "
        "untied");
  }

  MergeOutcome outcome;
  outcome.folder = output;
  MergeReport& report = outcome.report;
  report.base_name = base_name(base_path, request.base);
  report.licence = licence_of(base_path);
  report.adapter_name = source->name;
  report.parts = source->parts;
  report.subtract = request.subtract;
  report.config = adapter.config();
  report.dtype = config_name(plan.dtype);
  report.untied = plan.unties;
  report.shards = plan.shards.size();

  std::atomic<bool> abandoned{false};
  const std::function<bool()> give_up = [&] { return stop() || abandoned; };
  AtomicFolder folder(output);
  const Clock::time_point start = Clock::now();
  // The base is hashed while it is merged and proved; one that is not the adapter's ends both.
  std::future<TensorsDigest> hashing = std::async(std::launch::async, [&] {
    TensorsDigest digest = digest_tensors(base.weights->files(), FileMemo(environment.hash_dir), give_up);
    const auto is_other = [&](const BaseBinding& binding) { return binding.digest != digest; };
    abandoned = abandoned || (!request.allow_base_mismatch && !request.subtract &&
                              std::any_of(bindings.begin(), bindings.end(), is_other));
    return digest;
  });
  const auto check_base = [&] {
    report.base = hashing.get();
    report.binding = request.subtract ? check_merged_with(base_path, report.base, request.adapters, bindings,
                                                          request.allow_base_mismatch, messages)
                                      : check_binding(bindings, report, request, messages);
  };
  try {
    report.updates = write_merged(plan, base, adapter, folder.staging(), give_up);
  } catch (...) {
    abandoned = true;
    throw;
  }
  for (ModuleUpdate& update : replaced_parameters(plan, base, adapter)) {
    report.updates.push_back(std::move(update));
  }
  if (abandoned || !request.verify) {
    check_base();
  }
  if (stop()) {
    return std::nullopt;
  }
  refuse_no_op(report);
  report.adapter = digest_tensors({adapter.weights_file()});
  write_index(plan, folder.staging());
  write_config(base, plan, folder.staging());
  if (base.checkpoint) {
    report.copied = copy_model_files(base_path, folder.staging());
  } else {
    const TokenizerFiles files = write_gguf_tokenizer(base_path, folder.staging());
    report.copied = files.written;
    if (!files.missing.empty()) {
      report.missing.push_back(files.missing);
    }
  }
  outcome.write_seconds = seconds_since(start);

  if (request.verify) {
    const Clock::time_point proof_start = Clock::now();
    const bool has_tokenizer = base.checkpoint || report.missing.empty();
    const MergeProbe probe =
        make_probe(has_tokenizer ? folder.staging() : base_path, request.probe, base.weights->config());
    std::future<TensorsDigest> hashing_merged = std::async(
        std::launch::async, [&] { return digest_tensors(open_weights(folder.staging())->files(), give_up); });
    std::future<void> flushing = std::async(std::launch::async, [&] { folder.flush(); });
    report.proof = request.subtract
                       ? prove_subtraction(request, output, plan, folder.staging(), base_path, probe, give_up)
                       : prove_merge(base, adapter, plan, folder.staging(), probe, give_up);
    flushing.get();
    report.merged = hashing_merged.get();
    if (stop()) {
      return std::nullopt;
    }
    check_base();
    outcome.proof_seconds = seconds_since(proof_start);
    refuse_failed(*report.proof, request.subtract);
  }
  if (request.subtract) {
    report.restoration = what_came_back(request, bindings, folder.staging(), environment, report);
  }
  write_file_atomically(folder.staging() / "README.md", merged_model_card(report));
  write_file_atomically(folder.staging() / kReportName, to_json(report).dump(2) + "\n");
  folder.commit();
  return outcome;
}

}  // namespace lore
