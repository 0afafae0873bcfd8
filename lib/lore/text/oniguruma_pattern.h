#pragma once

#include <string>
#include <string_view>

namespace lore {

/// An Oniguruma pattern (the syntax of tokenizer.json) as a PCRE2 pattern that matches the same, to be
/// compiled with PCRE2_UTF, PCRE2_UCP, PCRE2_MULTILINE and LF as newline.
///
/// Where the two differ: \h is a hexadecimal digit, \v a vertical tab, \uHHHH a character; \w follows
/// Alphabetic;
/// {,n} is an interval; {n,m}+ repeats the interval where PCRE2 makes it possessive; script names mean
/// Script, not Script_Extensions. `(?m)`, named groups, conditionals, subroutine calls, POSIX brackets, class
/// intersections and nested classes are refused.
/// Throws: Error kInput that names the construct.
std::string pcre2_pattern(std::string_view oniguruma);

}  // namespace lore
