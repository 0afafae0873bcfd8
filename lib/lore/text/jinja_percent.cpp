#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

constexpr int kMaxWidth = 1000;

/// One conversion: %[flags][width][.precision]type.
struct Conversion {
  bool left = false;
  bool zero = false;
  bool plus = false;
  int width = 0;
  int precision = -1;
  char type = 's';
};

int parse_number(std::string_view format, std::size_t& at) {
  int number = 0;
  while (at < format.size() && format[at] >= '0' && format[at] <= '9') {
    number = number * 10 + (format[at++] - '0');
    if (number > kMaxWidth) {
      throw Failure(fmt::format("'%': widths end at {}", kMaxWidth));
    }
  }
  return number;
}

Conversion parse_conversion(std::string_view format, std::size_t& at) {
  Conversion result;
  for (; at < format.size() && std::string_view("-0+").find(format[at]) != std::string_view::npos; ++at) {
    result.left |= format[at] == '-';
    result.zero |= format[at] == '0';
    result.plus |= format[at] == '+';
  }
  result.width = parse_number(format, at);
  if (at < format.size() && format[at] == '.') {
    ++at;
    result.precision = parse_number(format, at);
  }
  if (at >= format.size()) {
    throw Failure("'%': the format ends within a conversion");
  }
  result.type = format[at++];
  return result;
}

std::string number_text(const Conversion& conversion, const Value& value) {
  if (!value.is_number()) {
    throw Failure(fmt::format("'%{}' takes a number, got '{}'", conversion.type, value.type_name()));
  }
  const char type = conversion.type;
  const bool whole = type == 'd' || type == 'i' || type == 'u';
  if ((type == 'x' || type == 'X' || type == 'o') && !value.is_integral()) {
    throw Failure(fmt::format("'%{}' takes an integer, got '{}'", type, value.type_name()));
  }
  std::string text;
  if (whole) {
    const double number = value.as_double();
    if (!value.is_integral() && !(std::fabs(number) < 9.2e18)) {
      throw Failure("'%d': the number does not fit 64 bits");
    }
    text = fmt::format("{}", value.is_integral() ? value.as_int() : static_cast<std::int64_t>(number));
  } else if (type == 'x') {
    text = fmt::format("{:x}", value.as_int());
  } else if (type == 'X') {
    text = fmt::format("{:X}", value.as_int());
  } else if (type == 'o') {
    text = fmt::format("{:o}", value.as_int());
  } else {
    const int precision = std::min(conversion.precision < 0 ? 6 : conversion.precision, 300);
    text = fmt::format(fmt::runtime(fmt::format("{{:.{}{}}}", precision, type)), value.as_double());
  }
  return conversion.plus && text[0] != '-' ? "+" + text : text;
}

std::string converted(const Conversion& conversion, const Value& value) {
  std::string text;
  bool number = false;
  if (conversion.type == 's' || conversion.type == 'r') {
    text = conversion.type == 's' ? to_text(value) : to_repr(value);
    if (conversion.precision >= 0) {
      text = encode_utf8(decode_utf8(text).substr(0, static_cast<std::size_t>(conversion.precision)));
    }
  } else if (std::string_view("diuxXofFeEgG").find(conversion.type) != std::string_view::npos) {
    text = number_text(conversion, value);
    number = true;
  } else {
    throw Failure(fmt::format("'%{}' is not supported", conversion.type));
  }
  const auto length = static_cast<int>(count_code_points(text));
  const std::string fill(static_cast<std::size_t>(std::max(conversion.width - length, 0)),
                         conversion.zero && number && !conversion.left ? '0' : ' ');
  if (conversion.left) {
    return text + fill;
  }
  const bool sign = !fill.empty() && fill[0] == '0' && (text[0] == '-' || text[0] == '+');
  return sign ? text[0] + fill + text.substr(1) : fill + text;
}

}  // namespace

std::string percent_format(Runtime& runtime, std::string_view format, const std::vector<Value>& values) {
  std::string text;
  std::size_t next = 0;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      text += format[at++];
      continue;
    }
    ++at;
    if (at < format.size() && format[at] == '%') {
      text += '%';
      ++at;
      continue;
    }
    const Conversion conversion = parse_conversion(format, at);
    if (next == values.size()) {
      throw Failure("'%': not enough values for the format");
    }
    text += converted(conversion, values[next++]);
    runtime.charge_bytes(text.size());
  }
  if (next < values.size()) {
    throw Failure("'%': not all values were used by the format");
  }
  return text;
}

}  // namespace lore::jinja
