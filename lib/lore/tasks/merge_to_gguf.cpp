#include "lore/tasks/merge_to_gguf.h"

#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"
#include "lore/formats/hf_cache.h"
#include "lore/tasks/merge_probe.h"
#include "lore/tasks/model_comparison.h"
#include "lore/tasks/output_place.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

void check_request(const MergeRequest& request, const fs::path& output, const Environment& environment) {
  if (request.dtype != "base") {
    throw Error(ErrorKind::kUsage, "--dtype", "is for a folder; the type of a GGUF file is named by --to");
  }
  std::vector<fs::path> inputs{find_model(request.base, fs::current_path(), environment.cache_roots)};
  for (const WeightedAdapter& adapter : request.adapters) {
    inputs.emplace_back(adapter.folder);
  }
  check_gguf_output(output, inputs, request.overwrite);
}

}  // namespace

std::optional<GgufMerge> merge_to_gguf(const MergeRequest& request, const std::string& to,
                                       const Environment& environment, Messages& messages) {
  const fs::path output = tidy_output(request.output);
  check_request(request, output, environment);
  const AtomicFolder scratch(output);  // never committed
  MergeRequest to_folder = request;
  to_folder.output = scratch.staging() / "merged";
  to_folder.dtype = "float32";
  std::optional<MergeOutcome> merge = run_merge(to_folder, environment, messages);
  if (!merge) {
    return std::nullopt;
  }
  const fs::path written = scratch.staging() / "merged.gguf";
  const auto file = convert_to_gguf(to_folder.output, output.stem().string(), gguf_format_named(to), written,
                                    environment, [](std::uint64_t, std::uint64_t) {});
  if (!file) {
    return std::nullopt;
  }
  for (const std::string& warning : file->warnings) {
    messages.warning(warning);
  }
  GgufMerge result{std::move(*merge), *file, std::nullopt};
  if (request.verify) {
    const MergeProbe probe = make_probe(to_folder.output, request.probe, open_weights(written)->config());
    const auto stop = [&] { return *environment.signal != 0; };
    result.rounding = compare_models(*open_weights(to_folder.output), *open_weights(written), probe.sequences,
                                     stop, [](std::int64_t, std::int64_t) {});
    if (!result.rounding) {
      return std::nullopt;
    }
  }
  std::error_code error;
  fs::rename(written, output, error);
  if (error) {
    throw Error(ErrorKind::kResources, output.string(), "cannot be written: " + error.message());
  }
  result.merge.folder = output;
  return result;
}

}  // namespace lore
