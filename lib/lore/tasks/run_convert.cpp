#include "lore/tasks/run_convert.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "lore/core/atomic_folder.h"
#include "lore/core/error.h"
#include "lore/formats/gguf.h"
#include "lore/formats/hf_cache.h"
#include "lore/tasks/base_model.h"
#include "lore/tasks/convert_adapter.h"
#include "lore/tasks/output_place.h"
#include "lore/tasks/portable_adapter.h"

namespace lore {
namespace {

namespace fs = std::filesystem;

enum class Kind { kModelFolder, kModelFile, kAdapterFolder, kAdapterFile };

struct Input {
  fs::path path;
  Kind kind;
};

Input find_input(const std::string& input, const Environment& environment) {
  if (fs::exists(fs::path(input) / "adapter_config.json")) {
    return {input, Kind::kAdapterFolder};
  }
  const fs::path path = find_model(input, fs::current_path(), environment.cache_roots);
  if (fs::is_directory(path)) {
    return {path, Kind::kModelFolder};
  }
  const bool is_adapter = GgufFile::open(path).text("general.type").value_or("") == "adapter";
  return {path, is_adapter ? Kind::kAdapterFile : Kind::kModelFile};
}

/// Null for "gguf".
const GgufFormat* wanted_format(const std::string& to) {
  const GgufFormat* format = gguf_format_named(to);
  if (format == nullptr && to != "gguf") {
    throw Error(
        ErrorKind::kUsage, "--to",
        fmt::format("\"{}\" is not known; it is gguf, {}, hf, peft or portable", to, gguf_format_names()));
  }
  return format;
}

[[noreturn]] void refuse_direction(const Input& input, const std::string& to) {
  constexpr std::array kWhat{
      "a model folder: it can become a GGUF file: gguf, gguf:f16, gguf:q8_0 or another type",
      "a GGUF model: it can become hf or a GGUF file of another type",
      "an adapter folder: it can become gguf, gguf:f16, gguf:bf16, gguf:q8_0 or portable",
      "a GGUF adapter: it can become peft"};
  throw Error(ErrorKind::kUsage, "--to",
              fmt::format("{} does not exist for {}, {}", to, input.path.string(),
                          kWhat.at(static_cast<std::size_t>(input.kind))));
}

/// The base of an adapter: its path, and what the adapter calls it.
std::pair<fs::path, std::string> find_base(const ConvertRequest& request, const Environment& environment) {
  if (request.base.empty()) {
    throw Error(
        ErrorKind::kUsage, "--base",
        "is needed: an adapter is converted for the model it was made on (its folder, GGUF file or hub id)");
  }
  const fs::path path = find_model(request.base, fs::current_path(), environment.cache_roots);
  return {path, request.base_name.empty() ? base_name(path, request.base) : request.base_name};
}

std::optional<Conversion> to_file(const ConvertRequest& request, const Input& input, const fs::path& output,
                                  const Environment& environment, const GgufProgress& progress) {
  const GgufFormat* format = wanted_format(request.to);
  check_gguf_output(output, std::span(&input.path, 1), request.overwrite);
  if (input.kind == Kind::kAdapterFolder) {
    const GgmlType type = format == nullptr ? GgmlType::kF32 : format->type;
    if (is_quantized(type) && type != GgmlType::kQ8_0) {
      refuse_direction(input, request.to);
    }
    const auto [base, name] = find_base(request, environment);
    return convert_adapter_to_gguf(input.path, base, name, type, output);
  }
  return convert_to_gguf(input.path, base_name(input.path, request.input), format, output, environment,
                         progress);
}

std::optional<Conversion> to_folder(const ConvertRequest& request, const Input& input, const fs::path& output,
                                    const Environment& environment) {
  check_output(output, std::span(&input.path, 1),
               {request.overwrite, request.to == "hf" ? "config.json" : "adapter_config.json",
                "what lore convert could have written"});
  AtomicFolder folder(output);
  std::optional<Conversion> result;
  if (request.to == "hf") {
    result =
        convert_to_hf(input.path, request.dtype, request.shard_bytes, output, folder.staging(), environment);
  } else if (request.to == "peft") {
    const auto [base, name] = find_base(request, environment);
    result = convert_adapter_to_peft(input.path, base, name, folder.staging());
  } else {
    std::string name = request.base_name;
    if (name.empty() && !request.base.empty()) {
      name = find_base(request, environment).second;
    }
    result = write_portable_adapter(input.path, name, folder.staging());
  }
  if (result) {
    folder.commit();
  }
  return result;
}

}  // namespace

std::optional<Conversion> run_convert(const ConvertRequest& request, const Environment& environment,
                                      const GgufProgress& progress) {
  const bool names_folder = request.to == "hf" || request.to == "peft" || request.to == "portable";
  if (!names_folder) {
    wanted_format(request.to);  // a typo is told before anything is looked for
  }
  const Input input = find_input(request.input, environment);
  const bool exists = request.to == "hf"         ? input.kind == Kind::kModelFile
                      : request.to == "peft"     ? input.kind == Kind::kAdapterFile
                      : request.to == "portable" ? input.kind == Kind::kAdapterFolder
                                                 : input.kind != Kind::kAdapterFile;
  if (!exists) {
    refuse_direction(input, request.to);
  }
  const fs::path output = tidy_output(request.output);
  return names_folder ? to_folder(request, input, output, environment)
                      : to_file(request, input, output, environment, progress);
}

}  // namespace lore
