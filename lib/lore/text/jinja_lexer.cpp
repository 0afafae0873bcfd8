#include "lore/text/jinja_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "lore/core/utf8.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

using Kind = Lexeme::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

/// The value of one hexadecimal digit, or -1.
int hex_digit(char c) {
  if (is_digit(c)) {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// `\r\n` and `\r` become `\n`; one newline at the end is dropped.
std::string normalise_newlines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      i += i + 1 < source.size() && source[i + 1] == '\n' ? 1 : 0;
    } else {
      text += source[i];
    }
  }
  if (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalise_newlines(source)) {}

  std::vector<Lexeme> run() {
    while (at_ < source_.size()) {
      text_until_tag();
    }
    add(Kind::kEnd);
    return std::move(lexemes_);
  }

 private:
  [[noreturn]] void fail(std::string message) const { throw SyntaxError{line_, std::move(message)}; }

  void add(Kind kind, std::string text = {}) {
    Lexeme lexeme;
    lexeme.kind = kind;
    lexeme.line = line_;
    lexeme.text = std::move(text);
    lexemes_.push_back(std::move(lexeme));
  }

  bool starts_with(std::string_view text, std::size_t at) const {
    return std::string_view(source_).substr(at, text.size()) == text;
  }

  /// Moves forward, counting lines.
  void advance(std::size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  void skip_white_space() {
    while (at_ < source_.size()) {
      const std::size_t length = white_space_at(at_);
      if (length == 0) {
        return;
      }
      advance(at_ + length);
    }
  }

  /// Bytes of the white-space character at `at`, 0 when there is none.
  std::size_t white_space_at(std::size_t at) const {
    const auto byte = static_cast<unsigned char>(source_[at]);
    if (byte < 0x80) {
      return is_space(byte) ? 1 : 0;
    }
    std::size_t length = 1;
    while (at + length < source_.size() && is_utf8_continuation(source_[at + length])) {
      ++length;
    }
    const std::u32string points = decode_utf8(std::string_view(source_).substr(at, length));
    return points.size() == 1 && is_space(points[0]) ? length : 0;
  }

  /// The position after a tag's `-` or `+` sign, which is returned (or 0).
  char sign_at(std::size_t at) const {
    return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : '\0';
  }

  /// Literal text in front of a tag whose sign is `sign`.
  std::string text_before(std::size_t begin, std::size_t end, char sign, bool expression) const {
    std::string text = source_.substr(begin, end - begin);
    if (sign == '-') {
      return strip(text, {}, Side::kRight);
    }
    if (sign != '+' && !expression) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t line_begin = newline == std::string::npos ? 0 : newline + 1;
      if ((line_begin > 0 || line_starting_) && line_begin < text.size() &&
          strip(std::string_view(text).substr(line_begin), {}, Side::kBoth).empty()) {
        text.resize(line_begin);
      }
    }
    return text;
  }

  void emit_text(std::string text) {
    if (!text.empty()) {
      add(Kind::kText, std::move(text));
    }
  }

  void text_until_tag() {
    std::size_t tag = at_;
    while (true) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= source_.size()) {
        emit_text(source_.substr(at_));
        advance(source_.size());
        return;
      }
      if (std::strchr("%{#", source_[tag + 1]) != nullptr) {
        break;
      }
      ++tag;
    }
    const char type = source_[tag + 1];
    const char sign = sign_at(tag + 2);
    emit_text(text_before(at_, tag, sign, type == '{'));
    advance(tag + 2 + (sign != '\0' ? 1 : 0));
    if (type == '#') {
      comment();
    } else if (type == '{') {
      add(Kind::kExpressionOpen);
      inside("}}", Kind::kExpressionClose);
    } else if (!raw_block()) {
      add(Kind::kStatementOpen);
      inside("%}", Kind::kStatementClose);
    }
  }

  /// What follows the end of a statement or comment: `-` eats all white space, else one newline goes.
  void after_close(char sign) {
    if (sign == '-') {
      skip_white_space();
    } else if (sign != '+' && at_ < source_.size() && source_[at_] == '\n') {
      advance(at_ + 1);
    }
    line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  void comment() {
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string::npos) {
      fail("the comment has no end: '#}' is missing");
    }
    const char sign = close > at_ ? sign_at(close - 1) : '\0';
    advance(close + 2);
    after_close(sign);
  }

  /// Parses `raw %}` ... `{% endraw %}` at the present position, if that is what stands there.
  bool raw_block() {
    std::size_t at = at_;
    const auto skip = [&] {
      while (at < source_.size() && white_space_at(at) > 0) {
        at += white_space_at(at);
      }
    };
    skip();
    if (!starts_with("raw", at)) {
      return false;
    }
    at += 3;
    skip();
    const bool eats_space = starts_with("-%}", at);
    if (!eats_space && !starts_with("%}", at)) {
      return false;
    }
    advance(at + (eats_space ? 3 : 2));
    if (eats_space) {
      skip_white_space();
    }
    line_starting_ = source_[at_ - 1] == '\n';
    for (std::size_t tag = source_.find("{%", at_); tag != std::string::npos;
         tag = source_.find("{%", tag + 2)) {
      const char sign = sign_at(tag + 2);
      at = tag + 2 + (sign != '\0' ? 1 : 0);
      skip();
      if (!starts_with("endraw", at)) {
        continue;
      }
      at += 6;
      skip();
      const char close_sign = sign_at(at);
      if (!starts_with("%}", at + (close_sign != '\0' ? 1 : 0))) {
        continue;
      }
      emit_text(text_before(at_, tag, sign, false));
      advance(at + (close_sign != '\0' ? 3 : 2));
      after_close(close_sign);
      return true;
    }
    fail("the raw block has no end: '{% endraw %}' is missing");
  }

  /// The lexemes of one tag, up to its `close`.
  void inside(std::string_view close, Kind close_kind) {
    std::string brackets;
    while (true) {
      skip_white_space();
      if (at_ >= source_.size()) {
        fail(fmt::format("the tag has no end: '{}' is missing", close));
      }
      if (brackets.empty()) {
        const char sign = sign_at(at_);
        const bool signed_close =
            sign != '\0' && (sign == '-' || close == "%}") && starts_with(close, at_ + 1);
        if (signed_close || starts_with(close, at_)) {
          add(close_kind);
          advance(at_ + close.size() + (signed_close ? 1 : 0));
          close_tag(signed_close ? sign : '\0', close_kind);
          return;
        }
      }
      const char c = source_[at_];
      if (c == '"' || c == '\'') {
        string();
      } else if (is_digit(c)) {
        number();
      } else if (is_name_start(c)) {
        const std::size_t begin = at_;
        std::size_t end = at_;
        while (end < source_.size() && is_name_part(source_[end])) {
          ++end;
        }
        add(Kind::kName, source_.substr(begin, end - begin));
        advance(end);
      } else {
        operation(brackets);
      }
    }
  }

  void close_tag(char sign, Kind kind) {
    if (kind == Kind::kStatementClose) {
      after_close(sign);
      return;
    }
    if (sign == '-') {
      skip_white_space();
    }
    line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  void operation(std::string& brackets) {
    static constexpr std::array<std::string_view, 24> kOperators = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~",
        "[",  "]",  "(",  ")",  "{",  "}",  ">", "<", "=", ".", ":", "|"};
    std::string_view found = starts_with(",", at_) ? "," : "";
    for (std::size_t i = 0; found.empty() && i < kOperators.size(); ++i) {
      found = starts_with(kOperators[i], at_) ? kOperators[i] : "";
    }
    if (found.empty()) {
      fail(fmt::format("unexpected character '{}'", source_[at_]));
    }
    if (std::strchr("([{", found[0]) != nullptr) {
      brackets += found == "(" ? ')' : found == "[" ? ']' : '}';
    } else if (std::strchr(")]}", found[0]) != nullptr) {
      if (brackets.empty() || brackets.back() != found[0]) {
        fail(fmt::format("unexpected '{}'", found));
      }
      brackets.pop_back();
    }
    add(Kind::kOperator, std::string(found));
    advance(at_ + found.size());
  }

  void number() {
    std::string digits;
    std::size_t end = at_;
    const auto take_digits = [&] {
      while (end < source_.size() && (is_digit(source_[end]) || source_[end] == '_')) {
        if (source_[end] != '_') {
          digits += source_[end];
        }
        ++end;
      }
    };
    take_digits();
    bool is_float = false;
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      is_float = true;
      digits += '.';
      ++end;
      take_digits();
    }
    if (end < source_.size() && (source_[end] | 0x20) == 'e') {
      std::size_t exponent = end + 1;
      exponent += exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-') ? 1 : 0;
      if (exponent < source_.size() && is_digit(source_[exponent])) {
        is_float = true;
        digits.append(source_, end, exponent - end);
        end = exponent;
        take_digits();
      }
    }
    add(is_float ? Kind::kFloat : Kind::kInteger, digits);
    Lexeme& lexeme = lexemes_.back();
    const auto result = is_float
                            ? std::from_chars(digits.data(), digits.data() + digits.size(), lexeme.number)
                            : std::from_chars(digits.data(), digits.data() + digits.size(), lexeme.integer);
    if (result.ec != std::errc() || (end < source_.size() && is_name_start(source_[end]))) {
      fail(fmt::format("'{}' is not a number that templates can use",
                       source_.substr(at_, std::min<std::size_t>(end - at_ + 1, 40))));
    }
    advance(end);
  }

  void string() {
    const char quote = source_[at_];
    std::string text;
    std::size_t at = at_ + 1;
    while (at < source_.size() && source_[at] != quote) {
      if (source_[at] != '\\') {
        text += source_[at++];
      } else if (at + 1 < source_.size()) {
        at = escape(at + 1, text);
      } else {
        break;
      }
    }
    if (at >= source_.size()) {
      fail("the string has no end: its closing quote is missing");
    }
    add(Kind::kString, std::move(text));
    advance(at + 1);
  }

  /// One escape sequence of Python, whose first character after the backslash is at `at`. Returns its end.
  std::size_t escape(std::size_t at, std::string& text) const {
    static constexpr std::string_view kLetters = "abfnrtv\\'\"";
    static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
    const char c = source_[at];
    if (const std::size_t i = kLetters.find(c); i != std::string_view::npos) {
      text += kValues[i];
      return at + 1;
    }
    if (c == '\n') {
      return at + 1;
    }
    if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      std::uint32_t value = 0;
      for (std::size_t i = 1; i <= digits; ++i) {
        const int digit = at + i < source_.size() ? hex_digit(source_[at + i]) : -1;
        if (digit < 0) {
          fail(fmt::format("the escape '\\{}' needs {} hexadecimal digits", c, digits));
        }
        value = value * 16 + static_cast<std::uint32_t>(digit);
      }
      append_code_point(value, text);
      return at + 1 + digits;
    }
    if (c >= '0' && c <= '7') {
      std::uint32_t value = 0;
      std::size_t end = at;
      while (end < source_.size() && end < at + 3 && source_[end] >= '0' && source_[end] <= '7') {
        value = value * 8 + static_cast<std::uint32_t>(source_[end++] - '0');
      }
      append_code_point(value, text);
      return end;
    }
    if (c == 'N') {
      fail("character names (\\N{...}) are not supported in strings");
    }
    text += '\\';
    return at;
  }

  void append_code_point(std::uint32_t value, std::string& text) const {
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      fail(fmt::format("U+{:04X} is not a character", value));
    }
    append_utf8(text, value);
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Lexeme> lexemes_;
};

}  // namespace

std::vector<Lexeme> lex(std::string_view source) { return Lexer(source).run(); }

}  // namespace lore::jinja
