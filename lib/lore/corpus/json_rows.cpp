#include "lore/corpus/json_rows.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/json_text.h"
#include "lore/corpus/json_value_reader.h"
#include "lore/corpus/line_reader.h"

namespace lore {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

ReadRow parse_row(const TextCursor& file, std::string_view text, std::int64_t line, bool is_too_long) {
  const auto bad = [&](std::string why) { return BadRow{file.at(line), std::move(why), std::string(text)}; };
  if (is_too_long) {
    return bad(fmt::format("the row is longer than {} MiB", kLongestRow >> 20));
  }
  try {
    nlohmann::ordered_json value = parse_row_json(text);
    if (!value.is_object()) {
      return bad(fmt::format("expected a JSON object, got {}", value.type_name()));
    }
    return Row{std::move(value), file.at(line)};
  } catch (const Error& error) {
    // What the bytes are comes first: the parser only sees that they do not fit.
    std::string problem = text_problem(text, file.encoding());
    return bad(problem.empty() ? error.what() : std::move(problem));
  }
}

class JsonLines final : public RowReader {
 public:
  explicit JsonLines(std::unique_ptr<TextCursor> text) : text_(std::move(text)), lines_(*text_) {}

  std::optional<ReadRow> next() override {
    while (const std::optional<Line> line = lines_.next()) {
      if (line->text.find_first_not_of(kWhiteSpace) != std::string_view::npos) {
        return parse_row(*text_, line->text, line->number, line->is_too_long);
      }
    }
    return {};
  }

 private:
  std::unique_ptr<TextCursor> text_;
  LineReader lines_;
};

class JsonList final : public RowReader {
 public:
  JsonList(std::unique_ptr<TextCursor> text, std::size_t before, bool in_object)
      : text_(std::move(text)), values_(*text_), in_object_(in_object) {
    values_.take(before + 1);
    is_last_given_ = values_.peek() == ']';
  }

  std::optional<ReadRow> next() override {
    if (is_last_given_) {
      finish();
      return {};
    }
    const JsonText value = values_.element();
    const int after = values_.peek();
    if (after == '}') {
      refuse("the list is closed by '}' instead of ']'");
    }
    if (after == JsonValueReader::kEnd && (!value.is_closed || value.text.empty())) {
      refuse(fmt::format(
          "the file ends within the row that begins in line {}, and its list has no end: it was cut "
          "short",
          value.line));
    }
    if (after == ',') {
      values_.take(1);
    } else if (after != '{') {
      is_last_given_ = true;
    }
    if (value.text.empty()) {
      return BadRow{text_->at(value.line), "an element is missing beside a comma", {}};
    }
    return parse_row(*text_, value.text, value.line, value.is_too_long);
  }

 private:
  /// Looks at what comes after the last row.
  void finish() {
    if (is_finished_) {
      return;
    }
    expect(']', "the list has no end, ']' is missing: the file was cut short");
    if (in_object_) {
      if (values_.peek() == ',') {
        refuse("the object that holds the list of rows holds something else, too: write the list alone");
      }
      expect('}',
             "the object that holds the list of rows has no end, '}' is missing: the file was cut short");
    }
    if (values_.peek() != JsonValueReader::kEnd) {
      refuse("something follows the end of the list of rows");
    }
    is_finished_ = true;
  }

  void expect(char c, std::string_view otherwise) {
    if (values_.peek() != c) {
      refuse(otherwise);
    }
    values_.take(1);
  }

  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(ErrorKind::kInput, text_->at(values_.line()), std::string(why));
  }

  std::unique_ptr<TextCursor> text_;
  JsonValueReader values_;
  bool in_object_;
  bool is_last_given_ = false;
  bool is_finished_ = false;
};

/// The keys of `object` between quotes, at most ten.
std::string list_keys(const nlohmann::ordered_json& object) {
  constexpr int kShown = 10;
  std::string list;
  int count = 0;
  for (const auto& item : object.items()) {
    if (++count > kShown) {
      return list + ", ...";
    }
    list += (list.empty() ? "" : ", ") + in_quotes(item.key());
  }
  return list;
}

bool is_list_of_objects(const nlohmann::ordered_json& value) {
  return value.is_array() && !value.empty() && value.front().is_object();
}

class JsonObjects final : public RowReader {
 public:
  JsonObjects(std::unique_ptr<TextCursor> text, std::set<std::string> row_keys)
      : text_(std::move(text)), values_(*text_), row_keys_(std::move(row_keys)) {}

  std::optional<ReadRow> next() override {
    const int first = values_.peek();
    if (first == JsonValueReader::kEnd) {
      return {};
    }
    if (first != '{') {
      throw Error(ErrorKind::kInput, text_->at(values_.line()),
                  "a JSON object begins by '{': what stands here cannot be read, nor what follows");
    }
    const bool is_first = !std::exchange(is_past_first_, true);
    const JsonText value = values_.bracketed();
    if (!value.is_closed) {
      throw Error(ErrorKind::kInput, text_->at(value.line),
                  "the object that begins here has no end, '}' is missing: the file was cut short");
    }
    ReadRow row = parse_row(*text_, value.text, value.line, value.is_too_long);
    if (is_first && values_.peek() == JsonValueReader::kEnd) {
      refuse_wrapper(row);
    }
    return row;
  }

 private:
  /// Throws where the only object of the file seems to hold the rows instead of being one.
  void refuse_wrapper(const ReadRow& read) const {
    const Row* row = std::get_if<Row>(&read);
    if (row == nullptr) {
      return;
    }
    bool holds_lists = false;
    for (const auto& item : row->value.items()) {
      if (row_keys_.contains(item.key())) {
        return;
      }
      holds_lists = holds_lists || is_list_of_objects(item.value());
    }
    if (holds_lists) {
      throw Error(
          ErrorKind::kInput, text_->shown(),
          fmt::format("is one object with the keys {}; which of them holds the rows cannot be told: write "
                      "the list of rows alone",
                      list_keys(row->value)));
    }
  }

  std::unique_ptr<TextCursor> text_;
  JsonValueReader values_;
  std::set<std::string> row_keys_;
  bool is_past_first_ = false;
};

}  // namespace

std::unique_ptr<RowReader> open_json_lines(std::unique_ptr<TextCursor> text) {
  return std::make_unique<JsonLines>(std::move(text));
}

std::unique_ptr<RowReader> open_json_list(std::unique_ptr<TextCursor> text, std::size_t before,
                                          bool in_object) {
  return std::make_unique<JsonList>(std::move(text), before, in_object);
}

std::unique_ptr<RowReader> open_json_objects(std::unique_ptr<TextCursor> text,
                                             std::set<std::string> row_keys) {
  return std::make_unique<JsonObjects>(std::move(text), std::move(row_keys));
}

}  // namespace lore
