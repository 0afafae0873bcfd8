#include "lore/adapters/eva.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "lore/core/error.h"
#include "lore/nn/model_parameters.h"

namespace lore {
namespace {

constexpr std::size_t kLinearsOfLayer = 7;
constexpr std::size_t kInputsOfLayer = 4;

/// Which input a linear sees, counted through the layers; the head's is the last.
std::size_t input_of(std::size_t linear) {
  constexpr std::array<std::size_t, kLinearsOfLayer> kInputs{0, 0, 0, 1, 2, 2, 3};
  return linear / kLinearsOfLayer * kInputsOfLayer + kInputs[linear % kLinearsOfLayer];
}

}  // namespace

Eva::Eva(const PeftConfig& config, const EvaSpec& spec, const LlamaForCausalLm& model)
    : spec_(spec),
      names_(adaptable_names(model.config())),
      modules_(match_modules(config, names_)),
      ranks_(modules_.size()) {
  const std::vector<LinearShape> shapes = adaptable_modules(model.config());
  std::map<std::size_t, std::int64_t> counts;
  for (const MatchedModule& module : modules_) {
    const auto count = static_cast<std::int64_t>(std::nearbyint(static_cast<double>(module.rank) * spec.rho));
    const LinearShape& shape = shapes[module.linear];
    if (count > shape.in) {
      throw Error(ErrorKind::kUsage, "adapter.eva_config.rho",
                  fmt::format("{} times the rank {} is more than the {} inputs of {}; lower one of the two",
                              spec.rho, module.rank, shape.in, shape.name));
    }
    std::int64_t& most = counts[input_of(module.linear)];
    most = std::max(most, count);
  }
  for (std::size_t i = 0; i < modules_.size(); ++i) {
    const std::size_t input = input_of(modules_[i].linear);
    auto group = std::ranges::find(groups_, input, &Group::input);
    if (group == groups_.end()) {
      group = groups_.insert(groups_.end(), {input,
                                             {},
                                             IncrementalPca(counts[input]),
                                             std::vector<bool>(static_cast<std::size_t>(counts[input]))});
    }
    group->members.push_back(i);
    ranks_[i] = counts[input];
  }
}

bool Eva::is_settled(const Group& group) const {
  const std::int64_t rank = ranks_[group.members.front()];
  return std::all_of(group.settled.begin(), group.settled.begin() + rank,
                     [](bool settled) { return settled; });
}

bool Eva::wants_more() const {
  return !std::ranges::all_of(groups_, [this](const Group& group) { return is_settled(group); });
}

bool Eva::has_components() const {
  return std::ranges::none_of(groups_, [](const Group& group) { return group.pca.empty(); });
}

std::int64_t Eva::most_components() const {
  return std::ranges::max(groups_, {}, [](const Group& group) { return group.pca.count(); }).pca.count();
}

void Eva::add(const LlamaForCausalLm& model, const Activations& activations, const at::Tensor& hidden,
              const at::Tensor& rows) {
  for (Group& group : groups_) {
    if (is_settled(group) || rows.size(0) < group.pca.count()) {
      continue;
    }
    const std::size_t layer = group.input / kInputsOfLayer;
    at::Tensor input = hidden;
    if (layer < activations.layers.size()) {
      const DecoderLayer::Inputs inputs = model.layer_inputs(layer, activations);
      input = std::array{inputs.attention, inputs.o_proj, inputs.mlp,
                         inputs.down_proj}[group.input % kInputsOfLayer];
    }
    add(group, at::index_select(input, 0, rows));
  }
  if (has_components()) {
    share_out_ranks();
  }
}

void Eva::add(Group& group, const at::Tensor& rows) {
  if (!rows.isfinite().all().item<bool>()) {
    throw Error(ErrorKind::kDiverged, names_[modules_[group.members.front()].linear],
                "sees numbers that are not finite, so EVA cannot decompose them");
  }
  const at::Tensor before = group.pca.components();
  group.pca.add(rows);
  if (!before.defined()) {
    return;
  }
  const at::Tensor cosines = at::sum(at::mul(before, group.pca.components()), 1).cpu();
  for (std::size_t i = 0; i < group.settled.size(); ++i) {
    group.settled[i] = cosines.data_ptr<float>()[i] >= spec_.tau;
  }
}

/// Each module bids with the share of variance that each of its components explains; the highest bids win a
/// rank each. Among equal bids the first module of a group wins, so that it has all the components of the
/// group that are taken.
void Eva::share_out_ranks() {
  struct Bid {
    double share;
    std::size_t module;
  };
  std::vector<Bid> bids;
  for (const bool first : {true, false}) {
    for (const Group& group : groups_) {
      const std::vector<double> shares = group.pca.explained_variance_ratios();
      const std::size_t end = first ? 1 : group.members.size();
      for (std::size_t member = first ? 0 : 1; member < end; ++member) {
        for (const double share : shares) {
          bids.push_back({share, group.members[member]});
        }
      }
    }
  }
  std::ranges::stable_sort(bids, std::ranges::greater{}, &Bid::share);
  const std::int64_t budget =
      std::accumulate(modules_.begin(), modules_.end(), std::int64_t{0},
                      [](std::int64_t sum, const MatchedModule& module) { return sum + module.rank; });
  std::ranges::fill(ranks_, 0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(budget); ++i) {
    ++ranks_[bids[i].module];
  }
}

void Eva::apply(LoraAdapter& adapter, const LlamaForCausalLm& model) const {
  PeftConfig& config = adapter.config;
  config.rank_pattern.clear();
  config.alpha_pattern.clear();
  std::vector<std::string> adapted;
  for (const Group& group : groups_) {
    for (const std::size_t place : group.members) {
      const MatchedModule& module = modules_[place];
      const std::int64_t rank = ranks_[place];
      if (rank == 0) {
        adapter.weights.erase(module.linear);
        continue;
      }
      LowRank& low_rank = *adapter.weights.find(module.linear);
      const double alpha = spec_.adjust_scaling_factors
                               ? module.alpha * static_cast<double>(rank) / static_cast<double>(module.rank)
                               : module.alpha;
      low_rank.a = group.pca.components().narrow(0, 0, rank).clone();
      low_rank.b = at::zeros({low_rank.b.size(0), rank}, low_rank.b.options());
      low_rank.scale = lora_scale(config, alpha, rank);
      const std::string& name = names_[module.linear];
      adapted.push_back(name);
      if (rank != config.r) {
        config.rank_pattern.emplace_back(name, rank);
      }
      if (alpha != config.lora_alpha) {
        config.alpha_pattern.emplace_back(name, alpha);
      }
    }
  }
  if (adapted.size() < modules_.size()) {
    config.target_modules = adapted;
    config.exclude_modules = std::monostate();
    config.layers_to_transform.reset();
    config.layers_pattern.clear();
  }
  adapter.weights.refresh(model.dtype(), model.linears());
}

}  // namespace lore
