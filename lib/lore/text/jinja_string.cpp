#include "lore/text/jinja_string.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "lore/core/utf8.h"

namespace lore::jinja {
namespace {

/// Applies `map` to every code point.
template <typename Map>
std::string map_code_points(std::string_view text, Map map) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t code_point : decode_utf8(text)) {
    append_utf8(result, map(code_point));
  }
  return result;
}

char32_t upper(char32_t c) {
  return static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c)));
}
char32_t lower(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}
char32_t title(char32_t c) {
  return static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c)));
}

bool is_cased(char32_t c) { return upper(c) != c || lower(c) != c || title(c) != c; }

std::vector<std::string> split_white_space(std::string_view text, std::int64_t limit) {
  std::vector<std::string> parts;
  const std::u32string points = decode_utf8(text);
  std::size_t at = 0;
  while (true) {
    while (at < points.size() && is_space(points[at])) {
      ++at;
    }
    if (at == points.size()) {
      return parts;
    }
    if (limit >= 0 && static_cast<std::int64_t>(parts.size()) == limit) {
      parts.push_back(encode_utf8(std::u32string_view(points).substr(at)));
      return parts;
    }
    const std::size_t begin = at;
    while (at < points.size() && !is_space(points[at])) {
      ++at;
    }
    parts.push_back(encode_utf8(std::u32string_view(points).substr(begin, at - begin)));
  }
}

std::vector<std::string> rsplit_white_space(std::string_view text, std::int64_t limit) {
  std::vector<std::string> parts;
  const std::u32string points = decode_utf8(text);
  std::size_t end = points.size();
  while (true) {
    while (end > 0 && is_space(points[end - 1])) {
      --end;
    }
    if (end == 0) {
      break;
    }
    if (limit >= 0 && static_cast<std::int64_t>(parts.size()) == limit) {
      parts.push_back(encode_utf8(std::u32string_view(points).substr(0, end)));
      break;
    }
    std::size_t begin = end;
    while (begin > 0 && !is_space(points[begin - 1])) {
      --begin;
    }
    parts.push_back(encode_utf8(std::u32string_view(points).substr(begin, end - begin)));
    end = begin;
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  std::size_t at = 0;
  while (at < text.size()) {
    utf8proc_int32_t code_point = 0;
    const auto length =
        utf8proc_iterate(data + at, static_cast<utf8proc_ssize_t>(text.size() - at), &code_point);
    points.push_back(length > 0 ? static_cast<char32_t>(code_point) : U'\uFFFD');
    at += length > 0 ? static_cast<std::size_t>(length) : 1;
  }
  return points;
}

std::string encode_utf8(std::u32string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t code_point : text) {
    append_utf8(result, code_point);
  }
  return result;
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_utf8_continuation(c); }));
}

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_printable(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return c == U' ';
    default:
      return true;
  }
}

std::string strip(std::string_view text, std::optional<std::string_view> characters, Side side) {
  const std::u32string points = decode_utf8(text);
  const std::u32string set = characters ? decode_utf8(*characters) : std::u32string();
  const auto stripped = [&](char32_t c) {
    return characters ? set.find(c) != std::u32string::npos : is_space(c);
  };
  std::size_t begin = 0;
  std::size_t end = points.size();
  while (side != Side::kRight && begin < end && stripped(points[begin])) {
    ++begin;
  }
  while (side != Side::kLeft && end > begin && stripped(points[end - 1])) {
    --end;
  }
  return encode_utf8(std::u32string_view(points).substr(begin, end - begin));
}

std::vector<std::string> split(std::string_view text, std::optional<std::string_view> separator,
                               std::int64_t limit) {
  if (!separator) {
    return split_white_space(text, limit);
  }
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (limit < 0 || static_cast<std::int64_t>(parts.size()) < limit) {
    const std::size_t end = text.find(*separator, begin);
    if (end == std::string_view::npos) {
      break;
    }
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + separator->size();
  }
  parts.emplace_back(text.substr(begin));
  return parts;
}

std::vector<std::string> rsplit(std::string_view text, std::optional<std::string_view> separator,
                                std::int64_t limit) {
  if (!separator) {
    return rsplit_white_space(text, limit);
  }
  std::vector<std::string> parts;
  std::string_view rest = text;
  while (limit < 0 || static_cast<std::int64_t>(parts.size()) < limit) {
    const std::size_t at = rest.rfind(*separator);
    if (at == std::string_view::npos) {
      break;
    }
    parts.emplace_back(rest.substr(at + separator->size()));
    rest = rest.substr(0, at);
  }
  parts.emplace_back(rest);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string> split_lines(std::string_view text, bool keep_ends) {
  const std::u32string points = decode_utf8(text);
  const auto breaks_line = [](char32_t c) {
    return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
  };
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin < points.size()) {
    std::size_t end = begin;
    while (end < points.size() && !breaks_line(points[end])) {
      ++end;
    }
    std::size_t next = end;
    if (next < points.size()) {
      next += points[next] == U'\r' && next + 1 < points.size() && points[next + 1] == U'\n' ? 2 : 1;
    }
    lines.push_back(encode_utf8(std::u32string_view(points).substr(begin, (keep_ends ? next : end) - begin)));
    begin = next;
  }
  return lines;
}

std::string replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t limit) {
  std::string result;
  std::size_t at = 0;
  if (from.empty()) {
    for (const char32_t code_point : decode_utf8(text)) {
      if (limit != 0) {
        result += to;
        --limit;
      }
      append_utf8(result, code_point);
    }
    return limit != 0 ? result + std::string(to) : result;
  }
  while (limit != 0) {
    const std::size_t found = text.find(from, at);
    if (found == std::string_view::npos) {
      break;
    }
    result += text.substr(at, found - at);
    result += to;
    at = found + from.size();
    --limit;
  }
  return result += text.substr(at);
}

std::string to_upper(std::string_view text) { return map_code_points(text, upper); }
std::string to_lower(std::string_view text) { return map_code_points(text, lower); }

std::string capitalize(std::string_view text) {
  return map_code_points(
      text, [first = true](char32_t c) mutable { return std::exchange(first, false) ? title(c) : lower(c); });
}

std::string to_title(std::string_view text) {
  return map_code_points(text, [inside = false](char32_t c) mutable {
    return std::exchange(inside, is_cased(c)) ? lower(c) : title(c);
  });
}

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&#34;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace lore::jinja
