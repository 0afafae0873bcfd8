#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// The form of a canary: text with random parts, as in "the code is {digits:4}". `{digits:N}` stands for N
/// digits, `{letters:N}` for N of a to z, `{capitals:N}` for N of A to Z, `{hex:N}` for N of 0 to 9 and a to
/// f.
class CanaryFormat {
 public:
  /// Throws: Error kInput, subject "format".
  explicit CanaryFormat(std::string_view format);

  bool matches(std::string_view text) const;
  /// Texts of this format other than `canary`, each once: all of them where they are at most `count`, else
  /// `count` random ones of the Philox stream `stream`. REQUIRES matches(canary).
  std::vector<std::string> candidates(std::string_view canary, std::size_t count, std::uint64_t stream) const;

 private:
  /// Fixed text, or as many characters of an alphabet.
  struct Piece {
    std::string text;
    std::string_view alphabet;
    std::size_t length = 0;
  };

  static Piece read_placeholder(std::string_view inside);
  template <class Choose>
  std::string fill(const Choose& choose) const;

  std::vector<Piece> pieces_;
  double texts_ = 1;  // of this format
};

/// Exposure in bits (Carlini et al. 2019, "The secret sharer", arXiv 1802.08232): log2 of the number of
/// texts, less log2 of the canary's rank among them by log-probability. About 1 where nothing was memorised,
/// at most log2(candidates + 1), where the canary is likelier than all candidates.
double exposure(double canary, std::span<const double> candidates);

}  // namespace lore
