#include "lore/corpus/row_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/corpus/json_text.h"

namespace lore {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kWhiteSpace = " \t\r\n";

/// Reads rows one after another until the limit is reached.
class JsonRows final : public RowReader {
 public:
  JsonRows(std::string path, std::int64_t limit) : path_(std::move(path)), limit_(limit) {}

  void lines(std::string_view text) {
    std::int64_t line = 1;
    for (std::size_t begin = 0; begin < text.size() && !done(); ++line) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      row(text.substr(begin, end - begin), line);
      begin = end + 1;
    }
  }

  /// The elements of one array; `text` begins with `[`.
  void array(std::string_view text, std::int64_t line) {
    int level = 0;
    bool in_string = false;
    std::size_t begin = 1;
    for (std::size_t i = 0; i < text.size() && !done(); ++i) {
      const char c = text[i];
      if (in_string) {
        i += c == '\\' ? 1 : 0;
        in_string = c != '"';
      } else if (c == '"') {
        in_string = true;
      } else if (c == '[' || c == '{') {
        ++level;
      } else if ((c == ']' || c == '}') && --level == 0) {
        if (c == '}') {
          bad(line, "the list that begins the file is closed by '}' instead of ']'");
          return;
        }
        element(text.substr(begin, i - begin), line, rows_.empty());
        if (text.find_first_not_of(kWhiteSpace, i + 1) != std::string_view::npos) {
          bad(line + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), '\n'),
              "something follows the end of the list");
        }
        return;
      } else if (c == ',' && level == 1) {
        const std::string_view part = text.substr(begin, i - begin);
        element(part, line, false);
        line += std::count(part.begin(), part.end(), '\n');
        begin = i + 1;
      }
    }
    if (!done()) {
      bad(line, "the list that begins the file has no end: ']' is missing");
    }
  }

  std::optional<ReadRow> next() override {
    if (given_ == rows_.size()) {
      return {};
    }
    return std::move(rows_[given_++]);
  }

 private:
  bool done() const { return seen_ >= limit_; }

  void bad(std::int64_t line, std::string_view why, std::string_view text = {}) {
    rows_.push_back(BadRow{fmt::format("{}:{}", path_, line), std::string(why), std::string(text)});
  }

  /// One element with the white space around it, in which the line is counted.
  void element(std::string_view text, std::int64_t line, bool may_be_absent) {
    const std::size_t begin = text.find_first_not_of(kWhiteSpace);
    if (begin == std::string_view::npos) {
      if (!may_be_absent) {
        bad(line, "an element is missing between commas");
      }
      return;
    }
    row(text.substr(begin),
        line + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
  }

  void row(std::string_view text, std::int64_t line) {
    if (text.find_first_not_of(kWhiteSpace) == std::string_view::npos) {
      return;
    }
    ++seen_;
    try {
      nlohmann::ordered_json value = parse_row_json(text);
      if (!value.is_object()) {
        bad(line, fmt::format("expected a JSON object, got {}", value.type_name()), text);
        return;
      }
      rows_.push_back(Row{std::move(value), fmt::format("{}:{}", path_, line)});
    } catch (const Error& error) {
      bad(line, error.what(), text);
    }
  }

  std::string path_;
  std::int64_t limit_;
  std::int64_t seen_ = 0;
  std::vector<ReadRow> rows_;
  std::size_t given_ = 0;
};

}  // namespace

std::unique_ptr<RowReader> open_rows(const SourceSpec& spec) {
  const std::filesystem::path path = spec.path;
  const auto file = MappedFile::open(path);
  std::string_view text = file->text();
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  auto reader = std::make_unique<JsonRows>(path.string(),
                                           spec.limit.value_or(std::numeric_limits<std::int64_t>::max()));
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first != std::string_view::npos && text[first] == '[') {
    const auto lines_before =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(first), '\n');
    reader->array(text.substr(first), 1 + lines_before);
  } else {
    reader->lines(text);
  }
  return reader;
}

}  // namespace lore
