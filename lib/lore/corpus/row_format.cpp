#include "lore/corpus/row_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/suggestion.h"
#include "lore/corpus/row_cells.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

/// Other names of `prompt` and `completion`: suggested, never guessed.
constexpr std::array<std::array<std::string_view, 2>, 6> kOtherPairs = {{{"prompt", "response"},
                                                                         {"question", "answer"},
                                                                         {"query", "response"},
                                                                         {"instruction", "response"},
                                                                         {"input", "output"},
                                                                         {"source", "target"}}};
/// Columns of a glossary by language.
constexpr std::array<std::string_view, 5> kGlossaryStems = {"definition", "definitions", "translation",
                                                            "translations", "forbidden"};

std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

bool is_glossary_stem(std::string_view name) {
  return std::ranges::count(kGlossaryStems, name.substr(0, name.find('.'))) > 0;
}

bool has(const Json& row, const std::string& name) {
  const auto entry = row.find(name);
  return entry != row.end() && !entry->is_null();
}

bool is_filled(const Json& row, const std::string& name) { return find_cell(row, name) != nullptr; }

/// The formats whose columns a row has, as `present` sees them.
std::vector<const RowFormat*> fitting_formats(const Json& row,
                                              bool (*present)(const Json&, const std::string&)) {
  std::vector<const RowFormat*> fitting;
  for (const RowFormat& format : row_formats()) {
    const auto is_present = [&](const std::string& name) { return present(row, name); };
    const bool says_something =
        format.name != "glossary" || std::ranges::any_of(row.items(), [&](const auto& item) {
          return is_glossary_stem(item.key()) && present(row, item.key());
        });
    if (says_something && std::ranges::all_of(format.required, is_present)) {
      fitting.push_back(&format);
    }
  }
  return fitting;
}

Names lacking(const Json& row, const RowFormat& format) {
  Names names;
  std::ranges::copy_if(format.required, std::back_inserter(names),
                       [&](const std::string& name) { return !has(row, name); });
  return names;
}

/// What to write in the recipe for a row whose columns are the usual ones of another name.
std::string columns_hint(const Json& row) {
  for (const auto& [prompt, completion] : kOtherPairs) {
    if (has(row, std::string(prompt)) && has(row, std::string(completion))) {
      return fmt::format("; if '{0}' is answered by '{1}', set columns: {{ prompt: {0}, completion: {1} }}",
                         prompt, completion);
    }
  }
  return "";
}

/// A key of the row that looks like a misspelt column of the format.
std::string spelling_hint(const Json& row, const Names& missing) {
  for (const auto& [key, value] : row.items()) {
    if (key.size() > 40 || std::ranges::count(missing, key) > 0) {
      continue;
    }
    if (const std::string nearest = nearest_name(key, missing); !nearest.empty()) {
      return fmt::format("; is '{}' meant as '{}'?", printable(key), nearest);
    }
  }
  return "";
}

}  // namespace

std::span<const RowFormat> row_formats() {
  static const std::vector<RowFormat> formats = {
      {"messages", {"messages"}, {"system", "tools", "chat_template_kwargs"}},
      {"sharegpt", {"conversations"}, {"system", "tools", "chat_template_kwargs"}},
      {"alpaca", {"instruction", "output"}, {"input", "system", "history", "tools", "chat_template_kwargs"}},
      {"prompt_completion", {"prompt", "completion"}, {"tools", "chat_template_kwargs"}},
      {"text", {"text"}, {}},
      {"glossary",
       {"term"},
       {"id", "language", "definition", "translation", "translations", "definitions", "forbidden", "domain",
        "source"}}};
  return formats;
}

const RowFormat& find_row_format(std::string_view name) {
  const auto formats = row_formats();
  const auto found =
      std::ranges::find_if(formats, [&](const RowFormat& format) { return format.name == name; });
  if (found != formats.end()) {
    return *found;
  }
  Names known = {"auto"};
  for (const RowFormat& format : formats) {
    known.emplace_back(format.name);
  }
  throw Error(ErrorKind::kUsage, "format",
              fmt::format("'{}' is none of {}{}", name, joined(known), did_you_mean(name, known)));
}

void check_column_names(const std::vector<std::pair<std::string, std::string>>& columns,
                        std::string_view format) {
  Names known;
  for (const RowFormat& one : row_formats()) {
    if (format.empty() || one.name == format) {
      for (const Names* names : {&one.required, &one.optional}) {
        std::ranges::copy_if(*names, std::back_inserter(known),
                             [&](const std::string& name) { return std::ranges::count(known, name) == 0; });
      }
    }
  }
  const bool glossary = format.empty() || format == "glossary";
  for (const auto& [standard, own] : columns) {
    const bool by_language =
        glossary && is_glossary_stem(standard) && standard.find('.') != std::string::npos;
    if (std::ranges::count(known, standard) == 0 && !by_language) {
      throw Error(ErrorKind::kUsage, "columns",
                  fmt::format("'{}' is no column of {}; known are {}{}", standard,
                              format.empty() ? "any format" : fmt::format("the format {}", format),
                              joined(known), did_you_mean(standard, known)));
    }
    const auto same = [&own = own](const auto& other) { return other.second == own; };
    if (std::ranges::count_if(columns, same) > 1) {
      throw Error(ErrorKind::kUsage, "columns", fmt::format("'{}' is named for two columns", own));
    }
  }
}

const RowFormat& detect_row_format(const Json& row) {
  // Empty cells count only where nothing else does: a table has the columns of all its rows.
  auto fitting = fitting_formats(row, is_filled);
  if (fitting.empty()) {
    fitting = fitting_formats(row, has);
  }
  if (fitting.size() == 1) {
    return *fitting[0];
  }
  if (fitting.size() > 1) {
    std::string names;
    for (const RowFormat* format : fitting) {
      names += fmt::format("{}{} ({})", names.empty() ? "" : " and ", format->name, joined(format->required));
    }
    throw Error(ErrorKind::kInput, "row",
                fmt::format("its columns fit {}: set the source's `format` to the one that is meant", names));
  }
  const RowFormat* nearest = nullptr;
  std::size_t most = 0;
  for (const RowFormat& format : row_formats()) {
    const std::size_t missing = lacking(row, format).size();
    const std::size_t present = format.required.size() - std::min(missing, format.required.size());
    const std::size_t score = 2 * present + (spelling_hint(row, lacking(row, format)).empty() ? 0 : 1);
    if (score > most) {
      most = score;
      nearest = &format;
    }
  }
  std::string message = fmt::format("its columns fit no format; its keys: {}", listed_keys(row));
  if (nearest != nullptr) {
    Names missing = lacking(row, *nearest);
    if (missing.empty()) {  // a term alone
      missing = {"definition, translations or forbidden"};
    }
    message += fmt::format("; the nearest format is {}, which lacks {}{}", nearest->name, joined(missing),
                           spelling_hint(row, missing));
  }
  throw Error(ErrorKind::kInput, "row", message + columns_hint(row));
}

void check_row_format(const Json& row, const RowFormat& format) {
  const Names missing = lacking(row, format);
  if (!missing.empty()) {
    throw Error(ErrorKind::kInput, "row",
                fmt::format("lacks {} of the format {}; its keys: {}{}{}", joined(missing), format.name,
                            listed_keys(row), spelling_hint(row, missing), columns_hint(row)));
  }
}

}  // namespace lore
