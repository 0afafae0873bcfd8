#pragma once

#include <cstddef>
#include <string_view>

#include "lore/corpus/number_runs.h"

namespace lore {

/// What a word before a number says that it is.
enum class NumberLabel { kNone, kPhone, kIdCard, kBankCard, kPassport, kPermit, kSsn, kReference, kAmount };

/// What stands around the groups of a run, by which a number is told from others of its shape.
class NumberContext {
 public:
  /// REQUIRES that both outlive this.
  NumberContext(std::string_view text, const NumberRun& run) : text_(text), run_(run) {}

  const NumberRun& run() const { return run_; }
  std::string_view text() const { return text_; }

  /// False where group `first` goes on to the left: part of a word, an amount, a decimal, a longer code.
  bool is_free_before(std::size_t first) const;
  /// False where group `last` goes on to the right, or a unit follows.
  bool is_free_after(std::size_t last) const;

  /// The word nearest before group `first` that says what it is, if there is one in the same clause.
  NumberLabel label(std::size_t first) const;

  /// Where the text of a number that begins with group `first` begins: with the `+` of a run's first, and
  /// with its `(` where that is closed after the group.
  std::size_t begin_of(std::size_t first) const;

 private:
  std::string_view text_;
  const NumberRun& run_;
};

}  // namespace lore
