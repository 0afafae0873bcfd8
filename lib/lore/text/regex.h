#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lore/text/aligned_text.h"

namespace lore {

/// A pattern of tokenizer.json, compiled by PCRE2. Safe to use from several threads at once.
class Regex {
 public:
  /// `oniguruma` is a pattern in Oniguruma's syntax.
  /// Throws: Error kInput for a pattern that is wrong or uses what `pcre2_pattern` refuses.
  static Regex pattern(std::string_view oniguruma);
  /// Matches `text` itself.
  static Regex literal(std::string_view text);

  /// All matches in `text`, left to right, as the `onig` crate's find_iter gives them: an empty match is
  /// left out where it follows the match before directly.
  /// Throws: Error kInput when a match takes too many steps.
  void find_all(std::string_view text, std::vector<ByteRange>& matches) const;

 private:
  struct Compiled;
  Regex() = default;
  std::shared_ptr<const Compiled> compiled_;  // null for a literal
  std::string literal_;
};

}  // namespace lore
