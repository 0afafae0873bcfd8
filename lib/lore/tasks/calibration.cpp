#include "lore/tasks/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lore/core/error.h"
#include "lore/kernels/parallel.h"

namespace lore {
namespace {

constexpr std::size_t kLinearsPerLayer = 7;

/// Adds the squares of each column of x [N, in].
void add_squares(const at::Tensor& x, std::vector<double>& sums) {
  const at::Tensor rows = x.contiguous();
  const std::int64_t columns = rows.size(1);
  sums.resize(static_cast<std::size_t>(columns));
  constexpr std::int64_t kColumns = 64;  // each thread adds up its own columns, in the order of the tokens
  parallel_for(0, (columns + kColumns - 1) / kColumns, 1, [&](std::int64_t first, std::int64_t last) {
    const std::int64_t begin = first * kColumns;
    const std::int64_t end = std::min(columns, last * kColumns);
    for (std::int64_t n = 0; n < rows.size(0); ++n) {
      const float* row = rows.const_data_ptr<float>() + n * columns;
      for (std::int64_t c = begin; c < end; ++c) {
        sums[static_cast<std::size_t>(c)] += static_cast<double>(row[c]) * static_cast<double>(row[c]);
      }
    }
  });
}

}  // namespace

const at::Tensor& input_of(const DecoderLayer::Inputs& inputs, std::size_t linear) {
  const std::array<const at::Tensor*, kLinearsPerLayer> places{
      &inputs.attention, &inputs.attention, &inputs.attention, &inputs.o_proj,
      &inputs.mlp,       &inputs.mlp,       &inputs.down_proj};
  return *places.at(linear);
}

std::optional<Importance> collect_importance(const WeightSource& source, const TokenSequences& sequences,
                                             const std::function<bool()>& stop,
                                             const LayerProgress& progress) {
  LayeredModel model(source, sequences);
  const std::vector<LinearShape> linears = model_linears(source.config());
  const std::int64_t layers = source.config().num_hidden_layers;
  std::int64_t tokens = 0;
  for (const auto& sequence : sequences) {
    tokens += static_cast<std::int64_t>(sequence.size());
  }
  Importance importance;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    if (stop()) {
      return std::nullopt;
    }
    progress(layer, layers);
    const auto loaded = model.load_layer(static_cast<std::size_t>(layer));
    std::array<std::vector<double>, kLinearsPerLayer> sums;
    model.observe_inputs(*loaded, [&](const DecoderLayer::Inputs& inputs) {
      for (const std::size_t linear : {0U, 3U, 4U, 6U}) {
        add_squares(input_of(inputs, linear), sums[linear]);
      }
    });
    sums[1] = sums[2] = sums[0];
    sums[5] = sums[4];
    for (std::size_t linear = 0; linear < kLinearsPerLayer; ++linear) {
      const std::string& name = linears[static_cast<std::size_t>(layer) * kLinearsPerLayer + linear].name;
      std::vector<float> means;
      for (const double sum : sums[linear]) {
        means.push_back(static_cast<float>(sum / static_cast<double>(tokens)));
        if (!std::isfinite(means.back())) {
          throw Error(ErrorKind::kInput, name, "gets inputs that are not finite on the calibration text");
        }
      }
      importance.set(name + ".weight", std::move(means));
    }
    model.advance(*loaded);
  }
  progress(layers, layers);
  return importance;
}

}  // namespace lore
