#include "lore/adapters/tensor_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "lore/core/error.h"
#include "lore/core/printable.h"

namespace lore {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";

/// How PEFT ends the names of its tensors: `stem`, perhaps the adapter's name while it is in memory, `end`.
struct Ending {
  AdapterPart part;
  std::string_view stem;
  std::string_view end;
};

constexpr std::array<Ending, 8> kEndings{{
    {AdapterPart::kA, ".lora_A", ".weight"},
    {AdapterPart::kB, ".lora_B", ".weight"},
    {AdapterPart::kBiasOfB, ".lora_B", ".bias"},
    {AdapterPart::kMagnitude, ".lora_magnitude_vector", ""},
    {AdapterPart::kEmbeddingA, ".lora_embedding_A", ""},
    {AdapterPart::kEmbeddingB, ".lora_embedding_B", ""},
    {AdapterPart::kBaseLayer, ".base_layer", ".weight"},
    {AdapterPart::kTrainedTokens, ".token_adapter.trainable_tokens_delta", ""},
}};

void add_mistake(std::string& mistakes, std::string mistake) {
  mistakes += mistakes.empty() ? std::move(mistake) : " and " + mistake;
}

/// Takes `ending` off `rest`, and a name between its two halves; false where it does not end so.
bool take_ending(std::string_view& rest, const Ending& ending, std::string& mistake) {
  const std::size_t at = rest.rfind(ending.stem);
  if (at == std::string_view::npos || at == 0) {
    return false;
  }
  std::string_view between = rest.substr(at + ending.stem.size());
  // PEFT reads the magnitude with ".weight" behind it too.
  const bool weight_too = ending.part == AdapterPart::kMagnitude && between == ".weight";
  if (!between.ends_with(ending.end) || (!between.empty() && between.front() != '.')) {
    return false;
  }
  between.remove_suffix(ending.end.size());
  if (!between.empty() && !weight_too) {
    const std::string_view name = between.substr(1);
    if (name.empty() || name.find('.') != std::string_view::npos || name == "weight" || name == "bias") {
      return false;
    }
    add_mistake(mistake, fmt::format("holds the adapter's own name {}", in_quotes(name)));
  }
  rest = rest.substr(0, at);
  return true;
}

}  // namespace

AdapterTensorName parse_adapter_tensor_name(std::string_view name) {
  AdapterTensorName result;
  std::string_view rest = name;
  int prefixes = 0;
  for (; rest.starts_with(kPrefix); rest.remove_prefix(kPrefix.size())) {
    ++prefixes;
  }
  if (prefixes == 0) {
    result.mistake = fmt::format("lacks the prefix \"{}\"", kPrefix);
  } else if (prefixes > 1) {
    result.mistake = fmt::format("has the prefix \"{}\" {} times", kPrefix, prefixes);
  }
  const auto* const ending = std::find_if(kEndings.begin(), kEndings.end(), [&](const Ending& candidate) {
    return take_ending(rest, candidate, result.mistake);
  });
  result.part = ending == kEndings.end() ? AdapterPart::kOther : ending->part;
  result.module = rest;
  return result;
}

std::string adapter_tensor_name(std::string_view module, AdapterPart part) {
  const auto* const ending = std::find_if(kEndings.begin(), kEndings.end(),
                                          [&](const Ending& candidate) { return candidate.part == part; });
  if (ending == kEndings.end()) {
    throw Error(ErrorKind::kInternal, std::string(module), "has no tensor of that kind");
  }
  return fmt::format("{}{}{}{}", kPrefix, module, ending->stem, ending->end);
}

int layer_of_module(std::string_view module) {
  for (std::size_t dot = module.find('.'); dot != std::string_view::npos; dot = module.find('.', dot + 1)) {
    int layer = 0;
    const char* begin = module.data() + dot + 1;
    const auto [end, error] = std::from_chars(begin, module.data() + module.size(), layer);
    if (error == std::errc() && *begin != '-' && end != module.data() + module.size() && *end == '.') {
      return layer;
    }
  }
  return -1;
}

std::string_view leaf_of_module(std::string_view module) { return module.substr(module.rfind('.') + 1); }

}  // namespace lore
