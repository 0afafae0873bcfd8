#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/eval/swap_lists.h"

namespace lore {

/// A text with words swapped.
struct SwappedText {
  std::string text;
  std::vector<std::pair<std::string, std::string>> replaced;  ///< what stood there, and what stands there now
};

/// Replaces the words of a list by others of their sets. Of words that begin at one place the longest counts,
/// of equal ones that of the earlier set. Letters and digits of an alphabet beside a word's own make it part
/// of a longer one, which is left alone; Chinese has no such boundaries. A word listed in lower case also
/// stands for itself capitalized and in capitals, and what replaces it is written the same way. A number of a
/// range becomes the one at the same share of the other range.
class WordSwapper {
 public:
  /// Throws: Error kInput, subject "'LIST': set N", for a word that is no word.
  explicit WordSwapper(const SwapList& list);

  /// How many other texts there are: one less than the size of the largest set of which `text` has a word.
  std::size_t variants(std::string_view text) const;
  /// `text` with each word replaced by the one `shift` further on in its set, from the last on to the first.
  /// REQUIRES valid UTF-8.
  SwappedText swap(std::string_view text, std::size_t shift) const;

 private:
  /// A word; between `before` and `after` a number of the range, where it has one.
  struct Form {
    std::string before;
    std::string after;
    std::optional<std::pair<std::int64_t, std::int64_t>> range;
    std::size_t set;
    std::size_t place;  // in the set
    bool capitalized;   // one of three spellings of a word listed in lower case
    bool in_capitals;
  };
  struct Match {
    const Form* form;
    std::size_t length;
    std::int64_t number;
  };

  static Form read_form(const std::string& word, const std::string& subject);
  std::optional<Match> match_at(std::string_view text, std::size_t position) const;
  std::string replacement(const Match& match, std::size_t shift) const;

  std::vector<Form> forms_;              // the longest first
  std::vector<std::vector<Form>> sets_;  // as they are listed
};

}  // namespace lore
