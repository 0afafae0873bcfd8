#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// A regular expression as Python's `re` reads it, which is how PEFT's module patterns are meant.
/// By PCRE2, whose syntax agrees with Python's on what such patterns use; matching is bounded.
class PythonPattern {
 public:
  /// Throws: Error kUsage with the pattern and the position of the mistake.
  explicit PythonPattern(const std::string& pattern);
  ~PythonPattern();
  PythonPattern(PythonPattern&&) noexcept;

  /// re.fullmatch(pattern, text) is not None.
  bool full_match(std::string_view text) const;
  /// The text of the named group `idx` in re.match(pattern, text); empty when there is no match.
  std::string match_index(std::string_view text) const;
  /// re.match(pattern, text) is not None.
  bool match(std::string_view text) const;

 private:
  struct Compiled;
  int run(std::string_view text, unsigned options, std::string* index) const;

  std::string pattern_;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace lore
