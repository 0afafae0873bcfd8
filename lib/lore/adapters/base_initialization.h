#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "lore/adapters/lora.h"

namespace lore {

/// The A and B that training starts from when they are taken out of the base weight: scale B A is what
/// the base loses, so that the model starts unchanged.
struct StartingPair {
  at::Tensor a;  ///< fp32 [r, in]
  at::Tensor b;  ///< fp32 [out, r]
};

/// Whether `init_lora_weights` takes A and B out of the base: pissa, pissa_niter_N, olora.
bool starts_from_base(const std::variant<bool, std::string>& init);

/// Whether `init_lora_weights` takes A out of what the model sees of the training data: eva (eva.h).
bool starts_from_data(const std::variant<bool, std::string>& init);

/// A and B of rank `rank` out of `weight` [out, in], as PEFT 0.21.2 takes them.
///
/// `pissa`: the largest singular values with their vectors, split evenly (Meng et al., arXiv:2404.02948);
/// `pissa_niter_N`: the same by a randomized SVD with N power iterations (Halko et al., arXiv:0909.4061),
/// a function of `seed` and `stream`; `olora`: the first columns of Q and rows of R of the QR
/// decomposition (Büyükakyüz, arXiv:2406.01775).
/// Throws: Error kUsage when the rank is larger than the weight has rows or columns.
StartingPair starting_pair(const std::string& init, const at::Tensor& weight, std::int64_t rank, double scale,
                           std::uint64_t seed, std::uint64_t stream);

/// What is left of `weight` [out, in] once the update that `start` makes is taken out of it.
Residual residual_of(const at::Tensor& weight, const StartingPair& start, double scale);

/// `config` for the same scaling of an adapter of twice the rank that says nothing of how it started.
PeftConfig doubled_rank(PeftConfig config);

/// A next to the A that training started from, B next to the negated B: on the whole base, A and B do what
/// they did on its residual.
StartingPair with_start_taken_off(const StartingPair& trained, const StartingPair& start);

/// `adapter` as any tool reads it on the base as it is: an adapter on a residual gets twice the rank, as by
/// PEFT's path_initial_model_for_weight_conversion. Others are left as they are.
LoraAdapter to_plain_lora(LoraAdapter adapter);

}  // namespace lore
