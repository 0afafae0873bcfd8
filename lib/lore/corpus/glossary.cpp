#include "lore/corpus/glossary.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/column_names.h"
#include "lore/corpus/folded_text.h"
#include "lore/corpus/row_cells.h"
#include "lore/corpus/row_reader.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kListSeparators = {";", "|", "、", "；"};

[[noreturn]] void refuse(std::string subject, std::string message) {
  throw Error(ErrorKind::kInput, std::move(subject), std::move(message));
}

std::string trimmed_text(const Json& value, const std::string& subject) {
  if (!value.is_string()) {
    refuse(subject, fmt::format("expected text, got {}", kind_of(value)));
  }
  const std::string_view text = trimmed(value.get_ref<const std::string&>());
  if (is_blank(text)) {
    refuse(subject, "is empty");
  }
  return std::string(text);
}

std::vector<std::string> read_list(const Json& value, const std::string& subject) {
  std::vector<std::string> list;
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      list.push_back(trimmed_text(value[i], fmt::format("{}[{}]", subject, i)));
    }
    return list;
  }
  std::string_view rest = value.is_string() ? std::string_view(value.get_ref<const std::string&>()) : "";
  if (!value.is_string()) {
    refuse(subject, fmt::format("expected text or a list of text, got {}", kind_of(value)));
  }
  while (!rest.empty()) {
    std::size_t end = rest.size();
    std::size_t length = 0;
    for (const std::string_view separator : kListSeparators) {
      if (const std::size_t at = rest.find(separator); at < end) {
        end = at;
        length = separator.size();
      }
    }
    if (const std::string_view item = trimmed(rest.substr(0, end)); !is_blank(item)) {
      list.emplace_back(item);
    }
    rest.remove_prefix(end + length);
  }
  return list;
}

/// The language that the script of a text is of beyond doubt; empty where there is none.
std::string language_of_script(std::string_view text) {
  bool han = false;
  bool latin = false;
  bool other = false;
  for (const char32_t c : folded_text(text)) {
    if ((c >= 0x3040 && c <= 0x30FF) || (c >= 0x1100 && c <= 0x11FF)) {
      return c >= 0x3000 ? "ja" : "ko";
    }
    han = han || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0x20000 && c <= 0x3FFFF);
    latin = latin || (c >= 'a' && c <= 'z');
    const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
    other = other ||
            (c >= 0x80 && c < 0x3400 && category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ME);
  }
  return other ? "" : han ? "zh" : latin ? "en" : "";
}

/// A language that `column` names, as the error of the column where it is none.
std::string tag_in(std::string_view text, const std::string& column) {
  try {
    return language_tag(text);
  } catch (const Error& error) {
    refuse(column, error.message());
  }
}

std::string language_of(const Json& row, const std::string& term) {
  if (const auto language = optional_text_cell(row, "language")) {
    return tag_in(trimmed(*language), "language");
  }
  std::string language = language_of_script(term);
  if (language.empty()) {
    refuse("language", "is missing, and the script of the term does not tell it");
  }
  return language;
}

/// Puts a value where no other is.
template <class Value>
void put(std::map<std::string, Value>& by_language, const std::string& language, Value value,
         const std::string& column) {
  if (!by_language.emplace(language, std::move(value)).second) {
    refuse(column, fmt::format("the row has two of language '{}'", language));
  }
}

std::string language_of_translation(const GlossaryTerm& term, const std::string& text,
                                    const std::string& column) {
  const std::string_view from = primary_language(term.language);
  std::string to = language_of_script(text);
  if ((from == "zh" && to == "en") || (from == "en" && to == "zh")) {
    return to;
  }
  refuse(column,
         fmt::format("its language is not clear: name the column '{}.en' (or another language)", column));
}

/// Calls `give(language, value)` for each cell of a family of columns: an object or a JSON text of one under
/// `plural`, a plain cell (language empty), and `singular.xx` or `plural.xx`.
template <class Give>
void for_each_language(const Json& row, const std::string& singular, const std::string& plural, Give give) {
  for (const auto& [key, value] : row.items()) {
    if (find_cell(row, key) == nullptr) {
      continue;
    }
    const std::size_t dot = key.find('.');
    const std::string stem = key.substr(0, dot);
    if (stem != singular && stem != plural) {
      continue;
    }
    if (dot != std::string::npos) {
      give(tag_in(key.substr(dot + 1), printable(key)), value, printable(key));
      continue;
    }
    const bool object_text =
        value.is_string() && value.template get_ref<const std::string&>().starts_with('{');
    const Json cell = object_text ? structured_cell(value, key) : value;
    if (!cell.is_object()) {
      give(std::string(), cell, key);
      continue;
    }
    for (const auto& [language, entry] : cell.items()) {
      const std::string name = fmt::format("{}.{}", printable(key), printable(language));
      if (!entry.is_null()) {
        give(tag_in(language, name), entry, name);
      }
    }
  }
}

void read_definitions(const Json& row, GlossaryTerm& term) {
  for_each_language(row, "definition", "definitions",
                    [&](const std::string& language, const Json& value, const std::string& column) {
                      std::string text = trimmed_text(value, column);
                      if (!language.empty() && language != term.language) {
                        put(term.definitions, language, std::move(text), column);
                      } else if (term.definition.empty() || term.definition == text) {
                        term.definition = std::move(text);
                      } else {
                        refuse(column, fmt::format("the row has two of language '{}'", term.language));
                      }
                    });
}

void read_translations(const Json& row, GlossaryTerm& term) {
  for_each_language(row, "translation", "translations",
                    [&](const std::string& language, const Json& value, const std::string& column) {
                      std::string text = trimmed_text(value, column);
                      const std::string tag =
                          language.empty() ? language_of_translation(term, text, column) : language;
                      if (tag == term.language) {
                        refuse(column, fmt::format("'{}' is the language of the term itself", tag));
                      }
                      put(term.translations, tag, std::move(text), column);
                    });
}

void read_forbidden(const Json& row, GlossaryTerm& term) {
  for_each_language(row, "forbidden", "forbidden",
                    [&](const std::string& language, const Json& value, const std::string& column) {
                      auto list = read_list(value, column);
                      if (!list.empty()) {
                        put(term.forbidden, language.empty() ? term.language : language, std::move(list),
                            column);
                      }
                    });
}

std::string folded_key(std::string_view text) {
  const std::u32string folded = folded_text(text);
  return {reinterpret_cast<const char*>(folded.data()), folded.size() * sizeof(char32_t)};
}

bool holds_form(const GlossaryTerm& term, const std::string& form) {
  return term.term == form || std::any_of(term.translations.begin(), term.translations.end(),
                                          [&](const auto& entry) { return entry.second == form; });
}

}  // namespace

GlossaryTerm read_glossary_term(const Row& row) {
  GlossaryTerm term;
  term.place = row.source;
  const Json& value = row.value;
  term.term = trimmed(text_cell(value, "term"));
  term.language = language_of(value, term.term);
  for (const auto& [member, column] :
       {std::pair(&term.domain, "domain"), std::pair(&term.source, "source")}) {
    *member = trimmed(optional_text_cell(value, column).value_or(""));
  }
  if (const Json* id = find_cell(value, "id"); id != nullptr) {
    term.id = id->is_number_integer() ? id->dump() : trimmed_text(*id, "id");
  }
  read_definitions(value, term);
  read_translations(value, term);
  read_forbidden(value, term);
  return term;
}

std::vector<GlossaryTerm> read_glossary(const SourceSpec& source) {
  const ColumnNames columns(source.columns);
  const auto reader = open_rows(source);
  std::vector<GlossaryTerm> terms;
  while (auto read = reader->next()) {
    if (const auto* bad = std::get_if<BadRow>(&*read)) {
      throw Error(ErrorKind::kInput, bad->source, bad->why);
    }
    Row& row = std::get<Row>(*read);
    const std::string place = row.source;
    try {
      terms.push_back(read_glossary_term(columns.renamed(std::move(row))));
    } catch (const Error& error) {
      throw error.within(place);
    }
  }
  return terms;
}

std::vector<GlossaryProblem> check_glossary(std::span<const GlossaryTerm> terms) {
  std::vector<GlossaryProblem> problems;
  std::unordered_map<std::string, const GlossaryTerm*> by_id;
  std::unordered_map<std::string, const GlossaryTerm*> by_term;
  std::unordered_map<std::string, const GlossaryTerm*> right_forms;
  const auto key = [](std::string_view language, const std::string& form) {
    return fmt::format("{}:{}", primary_language(language), folded_key(form));
  };
  for (const GlossaryTerm& term : terms) {
    right_forms.emplace(key(term.language, term.term), &term);
    for (const auto& [language, form] : term.translations) {
      right_forms.emplace(key(language, form), &term);
    }
  }
  for (const GlossaryTerm& term : terms) {
    if (!term.id.empty()) {
      if (const auto [entry, is_new] = by_id.emplace(term.id, &term); !is_new) {
        problems.push_back(
            {term.place, fmt::format("id '{}' is also at {}", printable(term.id), entry->second->place)});
      }
    }
    if (const auto [entry, is_new] = by_term.emplace(key(term.language, term.term), &term); !is_new) {
      problems.push_back(
          {term.place, fmt::format("term '{}' is also at {}", printable(term.term), entry->second->place)});
    }
    for (const auto& [language, forms] : term.forbidden) {
      for (const std::string& form : forms) {
        const auto entry = right_forms.find(key(language, form));
        // A form may be wrong by its capitals alone.
        if (entry != right_forms.end() && (entry->second != &term || holds_form(term, form))) {
          problems.push_back({term.place, fmt::format("the forbidden form '{}' is a right form at {}",
                                                      printable(form), entry->second->place)});
        }
      }
    }
  }
  return problems;
}

}  // namespace lore
