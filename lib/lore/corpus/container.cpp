#include "lore/corpus/container.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <string>

#include "lore/core/error.h"
#include "lore/corpus/csv_rows.h"
#include "lore/corpus/json_rows.h"
#include "lore/corpus/json_text.h"
#include "lore/corpus/tbx_rows.h"
#include "lore/corpus/text_rows.h"

namespace lore {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::array<std::string_view, 2> kPackedNames = {".gz", ".zst"};
constexpr std::array<std::string_view, 4> kTextNames = {".txt", ".text", ".md", ".markdown"};
constexpr std::array<std::string_view, 2> kLineNames = {".jsonl", ".ndjson"};
constexpr std::array<std::string_view, 16> kRowNames = {
    ".jsonl", ".ndjson",  ".json", ".csv",  ".tsv", ".tbx", ".xml", ".parquet",
    ".arrow", ".feather", ".avro", ".xlsx", ".xls", ".zip", ".pkl", ".pickle"};

/// The last ending of a file's name in lower case, past `.gz` and `.zst`.
std::string ending(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const std::string_view packed : kPackedNames) {
    if (lower.ends_with(packed)) {
      lower.resize(lower.size() - packed.size());
      break;
    }
  }
  const std::size_t dot = lower.rfind('.');
  return dot == std::string::npos ? "" : lower.substr(dot);
}

template <class Names>
bool is_one_of(const std::string& name, const Names& names) {
  return std::ranges::find(names, name) != names.end();
}

/// The keys by which an object is a row itself, whatever lists it holds.
std::set<std::string> row_keys(const SourceSpec& spec) {
  std::set<std::string> keys = {"messages",    "conversations", "conversation", "prompt", "completion",
                                "instruction", "output",        "text",         "term",   "translations"};
  for (const auto& [name, column] : spec.columns) {
    keys.insert(column);
  }
  return keys;
}

/// Where a list of rows begins that is the first value of the object at the front of `text`: `{"data": [{`.
struct WrappedList {
  std::string key;
  std::size_t offset;  ///< of `[`
};

std::optional<WrappedList> find_wrapped_list(std::string_view text) {
  std::size_t i = text.find_first_not_of(kWhiteSpace);
  const auto next_is = [&](char c) {
    i = std::min(text.find_first_not_of(kWhiteSpace, i), text.size());
    return i < text.size() && text[i++] == c;
  };
  if (!next_is('{') || !next_is('"')) {
    return {};
  }
  const std::size_t end = text.find_first_of("\"\\\n", i);
  if (end == std::string_view::npos || text[end] != '"') {
    return {};
  }
  WrappedList list{std::string(text.substr(i, end - i)), 0};
  i = end + 1;
  if (!next_is(':') || !next_is('[')) {
    return {};
  }
  list.offset = i - 1;
  return next_is('{') ? std::optional(list) : std::nullopt;
}

/// Whether the first line with something in it is a whole object; nothing where its end is not in sight.
std::optional<bool> first_line_is_object(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kWhiteSpace), text.size());
  const std::size_t end = text.find_first_of("\r\n", begin);
  if (end == std::string_view::npos) {
    return {};
  }
  int level = 0;
  JsonStrings strings;
  for (const char c : text.substr(begin, end - begin)) {
    const bool outside = strings.is_outside(c);
    level += outside && (c == '{' || c == '[') ? 1 : 0;
    level -= outside && (c == '}' || c == ']') ? 1 : 0;
  }
  return level == 0 && !strings.is_open();
}

/// `text` begins with an object.
std::unique_ptr<RowReader> open_objects(std::unique_ptr<TextCursor> text, const SourceSpec& spec) {
  const std::string_view first = text->rest();
  const std::optional<bool> is_line = first_line_is_object(first);
  if (is_line.value_or(false)) {
    const std::size_t second =
        first.find_first_not_of(kWhiteSpace, first.find_first_of("\r\n", first.find('{')));
    if (second != std::string_view::npos) {
      return open_json_lines(std::move(text));
    }
  }
  std::set<std::string> keys = row_keys(spec);
  const std::optional<WrappedList> list = find_wrapped_list(first);
  if (list && !keys.contains(list->key)) {
    return open_json_list(std::move(text), list->offset, true);
  }
  return open_json_objects(std::move(text), std::move(keys));
}

std::string unknown_content(std::string_view last) {
  if (last == ".json") {
    return "is no JSON of rows: it begins neither with a list nor with an object";
  }
  if (last == ".tbx" || last == ".xml") {
    return "is no XML: it does not begin with '<'";
  }
  return "it cannot be told what this is: give it a name that ends with .jsonl, .json, .csv, .tsv, .tbx or, "
         "for "
         "plain text, .txt or .md";
}

}  // namespace

bool is_data_name(std::string_view name) {
  const std::string last = ending(name);
  return is_one_of(last, kTextNames) || is_one_of(last, kRowNames);
}

bool is_text_name(std::string_view name) { return is_one_of(ending(name), kTextNames); }

std::unique_ptr<RowReader> open_container(std::unique_ptr<TextCursor> text, std::string_view name,
                                          const SourceSpec& spec) {
  const std::string last = ending(name);
  if (is_one_of(last, kTextNames)) {
    return open_text(std::move(text), spec.sample_by);
  }
  if (spec.sample_by != SourceSpec().sample_by) {
    throw Error(
        ErrorKind::kUsage, text->shown(),
        fmt::format("`sample_by: {}` is for plain text (.txt, .md), which this is not", spec.sample_by));
  }
  if (last == ".csv") {
    return open_csv(std::move(text), {});
  }
  if (last == ".tsv") {
    return open_csv(std::move(text), '\t');
  }
  const std::string_view rest = text->rest();
  const std::size_t begin = rest.find_first_not_of(kWhiteSpace);
  const char first = begin == std::string_view::npos ? '\0' : rest[begin];
  if (first == '[') {
    return open_json_list(std::move(text), begin, false);
  }
  if (is_one_of(last, kLineNames) || rest.empty()) {
    return open_json_lines(std::move(text));
  }
  if (first == '{') {
    return open_objects(std::move(text), spec);
  }
  if (first == '<') {
    return open_tbx(std::move(text));
  }
  throw Error(ErrorKind::kInput, text->shown(), unknown_content(last));
}

}  // namespace lore
