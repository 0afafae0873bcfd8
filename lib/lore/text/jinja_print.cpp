#include "lore/text/jinja_print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lore/core/utf8.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

/// Python's repr(float): the shortest digits that read back the same.
std::string float_text(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value > 0 ? "inf" : "-inf";
  }
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) {
    text += ".0";
  }
  return text;
}

std::string string_repr(std::string_view text) {
  const char quote =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string result(1, quote);
  for (const char32_t c : decode_utf8(text)) {
    if (c == static_cast<char32_t>(quote) || c == U'\\') {
      result += '\\';
      result += static_cast<char>(c);
    } else if (c == U'\n') {
      result += "\\n";
    } else if (c == U'\r') {
      result += "\\r";
    } else if (c == U'\t') {
      result += "\\t";
    } else if (is_printable(c)) {
      append_utf8(result, c);
    } else if (c < 0x100) {
      result += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c));
    } else if (c < 0x10000) {
      result += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
    } else {
      result += fmt::format("\\U{:08x}", static_cast<std::uint32_t>(c));
    }
  }
  return result + quote;
}

void append_json_string(std::string& out, std::string_view text, bool ensure_ascii) {
  out += '"';
  for (const char32_t c : decode_utf8(text)) {
    if (c == U'"' || c == U'\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == U'\n') {
      out += "\\n";
    } else if (c == U'\r') {
      out += "\\r";
    } else if (c == U'\t') {
      out += "\\t";
    } else if (c == U'\f') {
      out += "\\f";
    } else if (c == U'\b') {
      out += "\\b";
    } else if (c < 0x20 || (ensure_ascii && c >= 0x7F && c < 0x10000)) {
      // json.dumps leaves DEL as it is.
      if (c == 0x7F) {
        out += '\x7F';
      } else {
        out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
      }
    } else if (ensure_ascii && c >= 0x10000) {
      const std::uint32_t offset = static_cast<std::uint32_t>(c) - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF));
    } else {
      append_utf8(out, c);
    }
  }
  out += '"';
}

std::string json_number(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "Infinity" : "-Infinity";
  }
  return float_text(value);
}

std::string json_key(const Value& key) {
  switch (key.kind()) {
    case Value::Kind::kString:
      return key.as_string();
    case Value::Kind::kNone:
      return "null";
    case Value::Kind::kBool:
      return key.as_bool() ? "true" : "false";
    case Value::Kind::kInt:
      return fmt::format("{}", key.as_int());
    case Value::Kind::kFloat:
      return json_number(key.as_double());
    default:
      throw Failure(
          fmt::format("tojson: keys must be str, int, float, bool or None, not {}", key.type_name()));
  }
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void write(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::kNone:
        out_ += "null";
        return;
      case Value::Kind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        return;
      case Value::Kind::kInt:
        out_ += fmt::format("{}", value.as_int());
        return;
      case Value::Kind::kFloat:
        out_ += json_number(value.as_double());
        return;
      case Value::Kind::kString:
        append_json_string(out_, value.as_string(), style_.ensure_ascii);
        return;
      case Value::Kind::kSequence:
        write_items('[', ']', value.as_sequence().items, [this](const Value& item) { write(item); });
        return;
      case Value::Kind::kDict:
        write_dict(value.as_dict());
        return;
      default:
        throw Failure(fmt::format("tojson: Object of type {} is not JSON serializable", value.type_name()));
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_dict(const Dict& dict) {
    const auto write_entry = [this](const std::pair<Value, Value>& entry) {
      append_json_string(out_, json_key(entry.first), style_.ensure_ascii);
      out_ += style_.key_separator;
      write(entry.second);
    };
    if (!style_.sort_keys) {
      write_items('{', '}', dict.items, write_entry);
      return;
    }
    auto sorted = dict.items;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return json_key(a.first) < json_key(b.first); });
    write_items('{', '}', sorted, write_entry);
  }

  template <typename Items, typename Write>
  void write_items(char open, char close, const Items& items, Write write_item) {
    out_ += open;
    if (!items.empty()) {
      ++level_;
      bool first = true;
      for (const auto& item : items) {
        if (!first) {
          out_ += style_.item_separator;
        }
        first = false;
        break_line();
        write_item(item);
      }
      --level_;
      break_line();
    }
    out_ += close;
  }

  void break_line() {
    if (out_.size() > kMaxWeight) {
      throw Failure("tojson: the text is too long");
    }
    if (style_.indent) {
      out_ += '\n';
      for (int i = 0; i < level_; ++i) {
        out_ += *style_.indent;
      }
    }
  }

  const JsonStyle& style_;
  std::string out_;
  int level_ = 0;
};

}  // namespace

std::string to_text(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kUndefined:
      return "";
    case Value::Kind::kString:
      return value.as_string();
    default:
      return to_repr(value);
  }
}

std::string to_repr(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kUndefined:
      return "Undefined";
    case Value::Kind::kNone:
      return "None";
    case Value::Kind::kBool:
      return value.as_bool() ? "True" : "False";
    case Value::Kind::kInt:
      return fmt::format("{}", value.as_int());
    case Value::Kind::kFloat:
      return float_text(value.as_double());
    case Value::Kind::kString:
      return value.is_safe() ? fmt::format("Markup({})", string_repr(value.as_string()))
                             : string_repr(value.as_string());
    case Value::Kind::kSequence: {
      const Sequence& sequence = value.as_sequence();
      std::string result(1, sequence.tuple ? '(' : '[');
      for (std::size_t i = 0; i < sequence.items.size(); ++i) {
        result += (i > 0 ? ", " : "") + to_repr(sequence.items[i]);
      }
      if (sequence.tuple && sequence.items.size() == 1) {
        result += ',';
      }
      return result + (sequence.tuple ? ')' : ']');
    }
    case Value::Kind::kDict: {
      std::string result = "{";
      bool first = true;
      for (const auto& [key, item] : value.as_dict().items) {
        result += (first ? "" : ", ") + to_repr(key) + ": " + to_repr(item);
        first = false;
      }
      return result + '}';
    }
    default:
      throw Failure(fmt::format("a {} cannot be printed", value.type_name()));
  }
}

std::string to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value);
  return writer.take();
}

}  // namespace lore::jinja
