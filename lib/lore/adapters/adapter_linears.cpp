#include "lore/adapters/adapter_linears.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <tuple>

#include "lore/core/error.h"
#include "lore/formats/safetensors.h"

namespace lore {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";
/// More layers than any model has: a name with a larger number is no layer's.
constexpr std::int64_t kMostLayers = 10'000;

struct Shape {
  std::int64_t out = 0;
  std::int64_t in = 0;
};

/// "model.layers.3.self_attn.q_proj" in three pieces.
struct LayerName {
  std::string before;
  std::int64_t layer = 0;
  std::string after;
};

std::optional<LayerName> split(const std::string& name) {
  constexpr std::string_view kLayers = "layers.";
  const std::size_t found = name.find(kLayers);
  if (found == std::string::npos) {
    return std::nullopt;
  }
  LayerName result;
  const char* const begin = name.data() + found + kLayers.size();
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(begin, end, result.layer);
  if (error != std::errc() || rest == end || *rest != '.' || result.layer < 0 || result.layer > kMostLayers) {
    return std::nullopt;
  }
  result.before = name.substr(0, found + kLayers.size());
  result.after = std::string(rest, end);
  return result;
}

std::map<std::string, Shape> shapes_in(const SafetensorsFile& file) {
  std::map<std::string, Shape> shapes;
  for (const TensorView& view : file.tensors()) {
    for (const bool is_a : {true, false}) {
      const std::string_view suffix = is_a ? ".lora_A.weight" : ".lora_B.weight";
      if (!view.name.starts_with(kPrefix) || !view.name.ends_with(suffix) || view.shape.size() != 2 ||
          view.name.size() <= kPrefix.size() + suffix.size()) {
        continue;
      }
      Shape& shape =
          shapes[view.name.substr(kPrefix.size(), view.name.size() - kPrefix.size() - suffix.size())];
      (is_a ? shape.in : shape.out) = is_a ? view.shape[1] : view.shape[0];
    }
  }
  return shapes;
}

}  // namespace

std::vector<LinearShape> adapter_linears(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorKind::kInput, folder.string(), "is not a folder with an adapter");
  }
  const std::filesystem::path path = folder / "adapter_model.safetensors";
  if (!std::filesystem::exists(path) && std::filesystem::exists(folder / "adapter_model.bin")) {
    throw Error(ErrorKind::kInput, (folder / "adapter_model.bin").string(),
                "is a pickle, which can run code when read; save the adapter with "
                "save_pretrained(..., safe_serialization=True)");
  }
  const std::map<std::string, Shape> shapes = shapes_in(SafetensorsFile::open(path));
  if (shapes.empty()) {
    throw Error(ErrorKind::kInput, path.string(),
                "holds no tensor named base_model.model.MODULE.lora_A.weight or .lora_B.weight; is it a LoRA "
                "adapter in PEFT's layout?");
  }
  std::map<std::pair<std::string, std::string>, Shape> by_layer;  // of the names without their layer
  std::int64_t layers = 0;
  std::vector<LinearShape> others;
  for (const auto& [name, shape] : shapes) {
    if (const auto parts = split(name)) {
      by_layer.emplace(std::pair(parts->before, parts->after), shape);
      layers = std::max(layers, parts->layer + 1);
    } else {
      others.push_back({name, shape.out, shape.in});
    }
  }
  std::vector<LinearShape> linears;
  linears.reserve(static_cast<std::size_t>(layers) * by_layer.size() + others.size());
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (const auto& [parts, sibling] : by_layer) {
      const std::string name = fmt::format("{}{}{}", parts.first, layer, parts.second);
      const auto own = shapes.find(name);
      const Shape& shape = own != shapes.end() ? own->second : sibling;
      linears.push_back({name, shape.out, shape.in});
    }
  }
  linears.insert(linears.end(), others.begin(), others.end());
  return linears;
}

}  // namespace lore
