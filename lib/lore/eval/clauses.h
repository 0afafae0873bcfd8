#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// A stretch of a text in bytes.
struct TextSpan {
  std::size_t begin;
  std::size_t end;
  bool operator==(const TextSpan&) const = default;
};

/// Cuts a text behind its Chinese and English marks of punctuation and at line ends: fields of a form,
/// clauses of a sentence. An English mark ends a clause where white space follows. Each clause has the mark
/// that ends it and the white space behind that; together they are the text. REQUIRES valid UTF-8.
std::vector<TextSpan> clauses(std::string_view text);

/// The text without a clause.
std::string without_clause(std::string_view text, const TextSpan& clause);

}  // namespace lore
