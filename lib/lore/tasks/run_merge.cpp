#include "lore/tasks/run_merge.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
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
#include "lore/nn/tensor_dtype.h"
#include "lore/tasks/base_binding.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/gguf_tokenizer_files.h"
#include "lore/tasks/merge_probe.h"
#include "lore/tasks/merged_config.h"
#include "lore/tasks/model_files.h"
#include "lore/tasks/output_place.h"

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

void check_output(const fs::path& output, const MergeRequest& request, const fs::path& base) {
  for (const fs::path& input : {base, fs::path(request.adapter)}) {
    if (is_inside(fs::weakly_canonical(input), fs::weakly_canonical(output))) {
      throw Error(
          ErrorKind::kUsage, "--output",
          fmt::format("{} holds {}, which is read; choose another folder", output.string(), input.string()));
    }
  }
  if (!fs::exists(output)) {
    return;
  }
  if (!fs::is_directory(output)) {
    throw Error(ErrorKind::kRefused, output.string(), "is not a folder");
  }
  if (fs::is_empty(output)) {
    return;
  }
  if (!request.overwrite) {
    throw Error(ErrorKind::kRefused, output.string(),
                "is not empty; choose another folder, or replace a merged model in it with --overwrite");
  }
  if (!fs::exists(output / kReportName)) {
    throw Error(ErrorKind::kRefused, output.string(),
                fmt::format("has no {}: --overwrite replaces merged models alone", kReportName));
  }
}

/// Reads every matrix once: NaN is found before anything is written, and so is an adapter of zeros.
void refuse_zero_adapter(const StoredAdapter& adapter, const std::string& folder) {
  bool changes = false;
  const auto is_zero = [](const at::Tensor& matrix) { return !matrix.any().item<bool>(); };
  for (const StoredLowRank& module : adapter.modules()) {
    const LowRank low_rank = adapter.read(module);
    changes = changes || (low_rank.scale != 0 && !is_zero(low_rank.a) && !is_zero(low_rank.b));
  }
  if (changes) {
    return;
  }
  throw Error(ErrorKind::kRefused, folder,
              "changes nothing: B A is zero in every module (an adapter that was never trained?), so the "
              "merged model would be the base");
}

/// PEFT saves the head's own weight beside an adapter on it, and loads it again: it must be the base's.
void refuse_other_head(const StoredAdapter& adapter, const MergeBase& base) {
  const TensorView* saved = adapter.head_base();
  if (saved == nullptr) {
    return;
  }
  const LlamaConfig& config = base.weights->config();
  const char* name = config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  const std::vector<std::int64_t> shape{config.vocab_size, config.hidden_size};
  at::Tensor row = at::empty({config.hidden_size}, at::kFloat);
  const at::Tensor copy = at::from_blob(const_cast<std::byte*>(saved->bytes.data()), shape,
                                        at::TensorOptions(*torch_dtype(saved->dtype)));
  for (std::int64_t i = 0; i < config.vocab_size; ++i) {
    base.weights->read_rows(name, shape, i, 1, row.data_ptr<float>());
    if (!copy.select(0, i).equal(row.to(copy.scalar_type()))) {
      throw Error(ErrorKind::kRefused, fmt::format("{}: {}", adapter.weights_file().string(), saved->name),
                  "holds other values than the base's output head: the adapter was made on another base");
    }
  }
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

void refuse_failed(const MergeProof& proof) {
  if (!proof.holds()) {
    throw Error(
        ErrorKind::kRefused, "proof",
        fmt::format("the merged model is not base + adapter: largest logit difference {:.3g}{}, KL "
                    "{:.3g} (bound {:.3g}) over {} tokens; nothing was written",
                    proof.merged.max_abs,
                    proof.max_abs_bound > 0 ? fmt::format(" (bound {:.3g})", proof.max_abs_bound) : "",
                    proof.merged.kl, proof.kl_bound, proof.tokens));
  }
}

/// Compares the base with the one the adapter names. Returns what to record.
std::string check_binding(const std::optional<BaseBinding>& binding, MergeReport& report,
                          const MergeRequest& request, Messages& messages) {
  if (!binding) {
    return "not recorded";
  }
  report.difference = base_difference(*binding, report.base_name, report.base);
  if (report.difference.empty()) {
    return "same base";
  }
  if (!request.allow_base_mismatch) {
    throw Error(ErrorKind::kRefused, request.base,
                report.difference + "; give that base, or --allow-base-mismatch to merge all the same");
  }
  messages.warning(report.difference + "; merging all the same (--allow-base-mismatch)");
  return "other base allowed";
}

void write_config(const MergeBase& base, const MergePlan& plan, const fs::path& folder) {
  const std::string_view dtype = config_name(plan.dtype);
  const nlohmann::ordered_json config =
      base.checkpoint ? merged_config(read_ordered_json_file(base.path / "config.json"), dtype, plan.unties)
                      : config_from_gguf(base.path, base.weights->config(), dtype, plan.unties);
  write_file_atomically(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace

std::optional<MergeOutcome> run_merge(const MergeRequest& request, const Environment& environment,
                                      Messages& messages) {
  const fs::path base_path = find_model(request.base, fs::current_path(), environment.cache_roots);
  const fs::path output = tidy_output(request.output);
  check_output(output, request, base_path);
  const MergeBase base = MergeBase::open(base_path);
  std::vector<std::string> warnings = base.weights->config().warnings;
  const std::vector<LinearShape> linears = mergeable_linears(base.weights->config());
  const StoredAdapter adapter = StoredAdapter::open(request.adapter, linears, warnings);
  const std::optional<BaseBinding> binding = read_base_binding(request.adapter);
  if (!binding) {
    warnings.push_back(fmt::format(
        "{} does not record the base it was made on (no lore_manifest.json), so a wrong base cannot be told",
        request.adapter));
  }
  for (const std::string& warning : warnings) {
    messages.warning(warning);
  }
  refuse_zero_adapter(adapter, request.adapter);
  refuse_other_head(adapter, base);
  const MergePlan plan = plan_merge(base, adapter, request.dtype, request.shard_bytes);
  constexpr std::uint64_t kOtherFiles = 64'000'000;
  check_space(output, plan.bytes + kOtherFiles);
  if (plan.unties) {
    messages.info("the head is tied to the embeddings and adapted: it is written as lm_head.weight, untied");
  }

  MergeOutcome outcome;
  outcome.folder = output;
  MergeReport& report = outcome.report;
  report.base_name = base_name(base_path, request.base);
  report.licence = licence_of(base_path);
  report.adapter_name = base_name(request.adapter, request.adapter);
  report.config = adapter.config();
  report.dtype = config_name(plan.dtype);
  report.untied = plan.unties;
  report.shards = plan.shards.size();

  const std::function<bool()> stop = [&] { return *environment.signal != 0; };
  std::atomic<bool> abandoned{false};
  const std::function<bool()> give_up = [&] { return stop() || abandoned; };
  AtomicFolder folder(output);
  const Clock::time_point start = Clock::now();
  // The base is hashed while it is merged; a base that is not the adapter's ends the writing.
  std::future<TensorsDigest> hashing = std::async(std::launch::async, [&] {
    TensorsDigest digest = digest_tensors(base.weights->files(), give_up);
    abandoned = abandoned || (binding && !request.allow_base_mismatch && binding->digest != digest);
    return digest;
  });
  try {
    report.updates = write_merged(plan, base, adapter, folder.staging(), give_up);
  } catch (...) {
    abandoned = true;
    throw;
  }
  report.base = hashing.get();
  if (stop()) {
    return std::nullopt;
  }
  report.binding = check_binding(binding, report, request, messages);
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
    report.proof = prove_merge(base, adapter, plan, folder.staging(), probe, stop);
    report.merged = hashing_merged.get();
    if (!report.proof) {
      return std::nullopt;
    }
    outcome.proof_seconds = seconds_since(proof_start);
    refuse_failed(*report.proof);
  }
  write_file_atomically(folder.staging() / "README.md", merged_model_card(report));
  write_file_atomically(folder.staging() / kReportName, to_json(report).dump(2) + "\n");
  folder.commit();
  return outcome;
}

}  // namespace lore
