#include "lore/text/oniguruma_pattern.h"

#include <fmt/format.h>

#include <cctype>
#include <cstddef>
#include <utility>
#include <vector>

#include "lore/core/error.h"
#include "lore/core/utf8.h"

namespace lore {
namespace {

/// Oniguruma's \w: Alphabetic, M, Nd, Pc, and the superscripts and fractions of Latin-1.
constexpr std::string_view kWordClass =
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}"
    "\\x{1f170}-\\x{1f189}\\xb2\\xb3\\xb9\\xbc-\\xbe";
constexpr std::string_view kHexClass = "0-9a-fA-F";

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  std::string run() {
    while (at_ < in_.size()) element();
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(std::string_view construct) const {
    throw Error(ErrorKind::kInput, fmt::format("pattern \"{}\"", in_),
                fmt::format("{} at offset {} is not supported", construct, at_));
  }

  char peek(std::size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }

  void element() {
    switch (char c = in_[at_]) {
      case '\\':
        begin_atom();
        escape();
        return;
      case '[':
        begin_atom();
        character_class();
        return;
      case '(':
        group();
        return;
      case ')':
        atom_ = groups_.empty() ? 0 : groups_.back();
        if (!groups_.empty()) groups_.pop_back();
        copy(1);
        return;
      case '{':
        if (interval()) return;
        begin_atom();
        out_ += "\\{";
        ++at_;
        return;
      case '*':
      case '+':
      case '?':
      case '|':
        copy(1);
        return;
      default:
        if (c == '^' || c == '$' || c == '.') {
          begin_atom();
          copy(1);
          return;
        }
        begin_atom();
        copy(character_length());
    }
  }

  void begin_atom() { atom_ = out_.size(); }

  void copy(std::size_t count) {
    out_ += in_.substr(at_, count);
    at_ += count;
  }

  std::size_t character_length() const {
    std::size_t length = 1;
    while (at_ + length < in_.size() && is_utf8_continuation(in_[at_ + length])) ++length;
    return length;
  }

  void group() {
    groups_.push_back(out_.size());
    if (peek(1) != '?') {
      if (peek(1) == '*') refuse("\"(*\"");
      copy(1);
      return;
    }
    for (std::string_view plain : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (in_.substr(at_, plain.size()) == plain) {
        copy(plain.size());
        return;
      }
    }
    std::size_t end = at_ + 2;
    while (end < in_.size() && (in_[end] == 'i' || in_[end] == '-')) ++end;
    if (end == at_ + 2 || end >= in_.size() || (in_[end] != ':' && in_[end] != ')')) {
      refuse("the group \"(?" + std::string(1, peek(2)) + "\"");
    }
    bool lasting = in_[end] == ')';
    copy(end + 1 - at_);
    if (lasting) groups_.pop_back();
  }

  /// {n}, {n,}, {n,m} and {,n}; anything else is literal.
  bool interval() {
    std::size_t end = at_ + 1;
    std::string low, high;
    bool comma = false;
    for (; end < in_.size() && in_[end] != '}'; ++end) {
      if (in_[end] == ',' && !comma) {
        comma = true;
      } else if (in_[end] >= '0' && in_[end] <= '9') {
        (comma ? high : low) += in_[end];
      } else {
        return false;
      }
    }
    if (end >= in_.size() || (low.empty() && high.empty())) return false;
    out_ += fmt::format("{{{}{}{}}}", low.empty() ? "0" : low, comma ? "," : "", high);
    at_ = end + 1;
    if (peek() == '?' && !comma) refuse("\"{n}?\"");
    if (peek() == '+') {
      out_.insert(atom_, "(?:");
      out_ += ")+";
      ++at_;
    }
    return true;
  }

  std::string hexadecimal(std::size_t from, std::size_t least, std::size_t most) const {
    std::string digits;
    while (digits.size() < most && from < in_.size() &&
           std::isxdigit(static_cast<unsigned char>(in_[from])) != 0) {
      digits += in_[from++];
    }
    if (digits.size() < least) refuse("an incomplete escape");
    return digits;
  }

  /// An escape that stands for one character or a property, the same inside and outside of a class.
  bool shared_escape() {
    char c = peek(1);
    switch (c) {
      case 'r':
      case 'n':
      case 't':
      case 'f':
      case 'a':
      case 'e':
      case 's':
      case 'S':
        copy(2);
        return true;
      case 'd':
        out_ += "\\p{Nd}";
        at_ += 2;
        return true;
      case 'D':
        out_ += "\\P{Nd}";
        at_ += 2;
        return true;
      case 'v':
        out_ += "\\x0b";
        at_ += 2;
        return true;
      case 'u':
        out_ += fmt::format("\\x{{{}}}", hexadecimal(at_ + 2, 4, 4));
        at_ += 6;
        return true;
      case 'x': {
        bool braces = peek(2) == '{';
        std::string digits = hexadecimal(at_ + (braces ? 3 : 2), 1, braces ? 8 : 2);
        out_ += fmt::format("\\x{{{}}}", digits);
        at_ += (braces ? 3 : 2) + digits.size();
        if (braces && peek() != '}') refuse("an incomplete escape");
        if (braces) ++at_;
        return true;
      }
      case 'p':
      case 'P':
        property();
        return true;
      default:
        break;
    }
    if (c == '\0') refuse("a trailing backslash");
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) return false;
    out_ += '\\';
    ++at_;
    if (static_cast<unsigned char>(c) >= 0x80) out_.pop_back();
    copy(character_length());
    return true;
  }

  void property() {
    std::size_t close = in_.find('}', at_);
    if (peek(2) != '{' || close == std::string_view::npos) refuse("\"\\p\" without a name in braces");
    bool negative = (in_[at_ + 1] == 'P') != (peek(3) == '^');
    std::string name(in_.substr(at_ + 3, close - at_ - 3));
    if (!name.empty() && name[0] == '^') name.erase(0, 1);
    bool category = name.size() <= 2;
    bool binary = name == "Alphabetic" || name == "White_Space" || name == "Any";
    out_ += fmt::format("\\{}{{{}{}}}", negative ? 'P' : 'p', category || binary ? "" : "sc:", name);
    at_ = close + 1;
  }

  void escape() {
    if (shared_escape()) return;
    switch (char c = peek(1)) {
      case 'w':
        out_ += fmt::format("[{}]", kWordClass);
        break;
      case 'W':
        out_ += fmt::format("[^{}]", kWordClass);
        break;
      case 'h':
        out_ += fmt::format("[{}]", kHexClass);
        break;
      case 'H':
        out_ += fmt::format("[^{}]", kHexClass);
        break;
      case 'b':
        out_ += fmt::format("(?:(?<=[{0}])(?![{0}])|(?<![{0}])(?=[{0}]))", kWordClass);
        break;
      case 'B':
        out_ += fmt::format("(?:(?<=[{0}])(?=[{0}])|(?<![{0}])(?![{0}]))", kWordClass);
        break;
      case 'A':
      case 'z':
      case 'Z':
      case 'G':
        out_ += fmt::format("\\{}", c);
        break;
      default:
        refuse(fmt::format("\"\\{}\"", c));
    }
    at_ += 2;
  }

  void character_class() {
    copy(1);
    if (peek() == '^') copy(1);
    if (peek() == ']') {
      out_ += "\\]";
      ++at_;
    }
    while (at_ < in_.size() && in_[at_] != ']') {
      if (in_[at_] == '[') refuse("\"[\" inside a class");
      if (in_[at_] == '&' && peek(1) == '&') refuse("\"&&\" inside a class");
      if (in_[at_] != '\\') {
        copy(character_length());
        continue;
      }
      if (shared_escape()) continue;
      switch (char c = peek(1)) {
        case 'w':
          out_ += kWordClass;
          break;
        case 'h':
          out_ += kHexClass;
          break;
        case 'b':
          out_ += "\\x08";
          break;
        default:
          refuse(fmt::format("\"\\{}\" inside a class", c));
      }
      at_ += 2;
    }
    if (at_ == in_.size()) refuse("an open class");
    copy(1);
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  std::size_t atom_ = 0;             // where in out_ the last atom begins
  std::vector<std::size_t> groups_;  // where in out_ the open groups begin
};

}  // namespace

std::string pcre2_pattern(std::string_view oniguruma) { return Translator(oniguruma).run(); }

}  // namespace lore
