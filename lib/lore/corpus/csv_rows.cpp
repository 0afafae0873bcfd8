#include "lore/corpus/csv_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/csv_record.h"

namespace lore {
namespace {

constexpr std::array<char, 3> kDelimiters = {',', ';', '\t'};
constexpr std::size_t kMostColumns = 1000;

std::string_view delimiter_name(char delimiter) {
  return delimiter == ',' ? "commas" : delimiter == ';' ? "semicolons" : "tabs";
}

/// The header: all before the first line end that is outside of quotes.
std::string_view header_of(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  bool in_quotes_now = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    in_quotes_now = in_quotes_now != (text[i] == '"');
    if (!in_quotes_now && (text[i] == '\n' || text[i] == '\r')) {
      return text.substr(0, i);
    }
  }
  return text;
}

class CsvRows final : public RowReader {
 public:
  CsvRows(std::unique_ptr<TextCursor> text, std::optional<char> delimiter) : text_(std::move(text)) {
    const bool has_separator_line = header_of(text_->rest()).starts_with("sep=");
    records_.emplace(*text_, delimiter ? *delimiter : find_delimiter(header_of(text_->rest())));
    if (has_separator_line) {
      records_->next(record_);
    }
    read_header();
  }

  std::optional<ReadRow> next() override {
    if (!records_->next(record_)) {
      return {};
    }
    if (record_.problem.empty()) {
      record_.problem = text_problem(record_.raw, text_->encoding());
    }
    if (record_.problem.empty() && record_.fields.size() != names_.size()) {
      record_.problem =
          fmt::format("fields: {} in the row, {} in the header", record_.fields.size(), names_.size());
    }
    std::string source = text_->at(record_.line);
    if (!record_.problem.empty()) {
      return BadRow{std::move(source), record_.problem, record_.raw};
    }
    nlohmann::ordered_json value = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      value[names_[i]] = std::move(record_.fields[i]);
    }
    return Row{std::move(value), std::move(source)};
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::kInput, text_->at(std::max<std::int64_t>(record_.line, 1)), why);
  }

  char find_delimiter(std::string_view header) const {
    constexpr std::string_view kSeparatorLine = "sep=";
    if (header.starts_with(kSeparatorLine)) {
      if (header.size() != kSeparatorLine.size() + 1) {
        refuse("the line `sep=` names no delimiter of one character");
      }
      return header.back();
    }
    std::array<std::int64_t, kDelimiters.size()> counts = {};
    bool in_quotes_now = false;
    for (const char c : header) {
      in_quotes_now = in_quotes_now != (c == '"');
      for (std::size_t i = 0; i < kDelimiters.size(); ++i) {
        counts[i] += !in_quotes_now && c == kDelimiters[i] ? 1 : 0;
      }
    }
    const auto most = std::ranges::max_element(counts);
    if (*most > 0 && std::ranges::count(counts, *most) > 1) {
      const auto other = std::find(most + 1, counts.end(), *most);
      refuse(fmt::format("the header holds as many {} as {}, so what stands between its names cannot be told",
                         delimiter_name(kDelimiters[static_cast<std::size_t>(most - counts.begin())]),
                         delimiter_name(kDelimiters[static_cast<std::size_t>(other - counts.begin())])));
    }
    return kDelimiters[static_cast<std::size_t>(most - counts.begin())];
  }

  void read_header() {
    if (!records_->next(record_)) {
      return;
    }
    std::string problem =
        record_.problem.empty() ? text_problem(record_.raw, text_->encoding()) : record_.problem;
    if (!problem.empty()) {
      refuse("the header: " + problem);
    }
    names_ = std::move(record_.fields);
    if (names_.size() > kMostColumns) {
      refuse(fmt::format("the header has more than {} names", kMostColumns));
    }
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i].empty()) {
        refuse(fmt::format("the header has no name for column {}", i + 1));
      }
      if (!seen.insert(names_[i]).second) {
        refuse(fmt::format("the header has the name {} twice", in_quotes(names_[i])));
      }
    }
    if (names_[0].starts_with("{\"")) {
      refuse(
          "this looks like JSON, not like the header of a table: give the file a name that ends with .jsonl");
    }
  }

  std::unique_ptr<TextCursor> text_;
  std::optional<CsvRecordReader> records_;
  CsvRecord record_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<RowReader> open_csv(std::unique_ptr<TextCursor> text, std::optional<char> delimiter) {
  return std::make_unique<CsvRows>(std::move(text), delimiter);
}

}  // namespace lore
