#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Python's str over UTF-8: what counts in Python by code point counts by code point here.
namespace lore::jinja {

/// Code points; what is not UTF-8 becomes U+FFFD.
std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);
std::size_t count_code_points(std::string_view text);

/// str.isspace() of one code point.
bool is_space(char32_t code_point);
/// Whether repr() shows the code point as it is.
bool is_printable(char32_t code_point);

enum class Side { kLeft, kRight, kBoth };

/// str.strip, lstrip, rstrip; white space without `characters`.
std::string strip(std::string_view text, std::optional<std::string_view> characters, Side side);
/// str.split and str.rsplit; runs of white space without `separator`. At most `limit` splits unless negative.
std::vector<std::string> split(std::string_view text, std::optional<std::string_view> separator,
                               std::int64_t limit);
std::vector<std::string> rsplit(std::string_view text, std::optional<std::string_view> separator,
                                std::int64_t limit);
std::vector<std::string> split_lines(std::string_view text, bool keep_ends = false);
/// str.replace; every occurrence when `limit` is negative.
std::string replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t limit);

/// Simple case mappings, one code point to one (Python's differ for a few, such as U+00DF).
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalize(std::string_view text);
/// str.title().
std::string to_title(std::string_view text);
/// markupsafe.escape.
std::string escape_html(std::string_view text);

}  // namespace lore::jinja
