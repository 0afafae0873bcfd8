#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/nn/low_rank.h"

namespace lore {

/// How the updates of several adapters become one, by the names of PEFT's add_weighted_adapter:
/// the first six work on A and B apart, those with Svd on scale B A and cut its SVD to a rank.
/// Sources: TIES, arXiv:2306.01708; DARE, arXiv:2311.03099; the rest, PEFT 0.21.2.
enum class CombinationMethod {
  kCat,
  kLinear,
  kTies,
  kDareLinear,
  kDareTies,
  kMagnitudePrune,
  kSvd,
  kTiesSvd,
  kDareLinearSvd,
  kDareTiesSvd,
  kMagnitudePruneSvd,
};

/// "cat", "dare_ties_svd"; and back, nothing for another word.
std::string_view name_of(CombinationMethod method);
std::optional<CombinationMethod> combination_method(std::string_view name);
/// All names, in the order of the enumeration.
std::vector<std::string> combination_method_names();

/// Whether the result is cut to a rank by SVD.
bool is_svd(CombinationMethod method);
/// Whether a share of the elements is kept, `density`.
bool prunes(CombinationMethod method);
/// Whether signs are elected.
bool elects_signs(CombinationMethod method);

/// What a combination is made by.
struct Combination {
  CombinationMethod method = CombinationMethod::kCat;
  double density = 1;  ///< share of the elements kept, in (0, 1]
  bool sign_by_count =
      false;                ///< elect signs by their number (PEFT's "frequency"), not by their sum ("total")
  std::uint64_t seed = 42;  ///< of the elements that DARE drops
};

/// One module of an adapter that is combined.
struct WeightedLowRank {
  std::size_t adapter = 0;  ///< which one, for its random numbers
  double weight = 1;
  LowRank low_rank;
};

/// The rank of the combined module: the sum of the ranks for cat, the largest for the methods without SVD,
/// `svd_rank` for those with.
std::int64_t combined_rank(CombinationMethod method, std::span<const std::int64_t> ranks,
                           std::int64_t svd_rank);

/// The combined module, scale 1, with A [rank, in] and B [out, rank]: rows and columns that the method does
/// not fill are zero. The updates must be of one shape, and for the methods on A and B apart of one rank.
/// Its function is PEFT's; unlike PEFT, the method holds for a single adapter too.
/// `module` tells the random numbers of one module from those of another.
LowRank combine(std::span<const WeightedLowRank> parts, const Combination& combination, std::int64_t rank,
                std::uint64_t module);

}  // namespace lore
