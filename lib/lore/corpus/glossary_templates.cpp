#include "lore/corpus/glossary_templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/printable.h"
#include "lore/core/suggestion.h"
#include "lore/corpus/json_text.h"
#include "lore/corpus/row_cells.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;
using Piece = GlossaryTemplate::Piece;

constexpr std::array<std::string_view, 7> kPlainFields = {"id",     "term",   "language", "definition",
                                                          "domain", "source", "forbidden"};
constexpr std::array<std::string_view, 3> kLanguageFields = {"definition", "translation", "forbidden"};
constexpr std::array<std::string_view, 4> kRoles = {"system", "user", "assistant", "developer"};

[[noreturn]] void refuse(std::string subject, std::string message) {
  throw Error(ErrorKind::kInput, std::move(subject), std::move(message));
}

/// Throws where a template names a field that no term has.
void check_field(const std::string& field, const std::string& subject) {
  const std::size_t dot = field.find('.');
  if (dot == std::string::npos) {
    if (std::ranges::count(kPlainFields, field) > 0) {
      return;
    }
  } else if (std::ranges::count(kLanguageFields, std::string_view(field).substr(0, dot)) > 0) {
    try {
      if (language_tag(std::string_view(field).substr(dot + 1)) == field.substr(dot + 1)) {
        return;
      }
    } catch (const Error& error) {
      refuse(subject, fmt::format("{{{}}}: {}", printable(field, 40), error.message()));
    }
  }
  std::vector<std::string> known(kPlainFields.begin(), kPlainFields.end());
  for (const char* with_language : {"definition.en", "translation.en", "forbidden.en"}) {
    known.emplace_back(with_language);
  }
  const std::string nearest = nearest_name(field.substr(0, 40), known);
  refuse(subject,
         fmt::format("unknown field {{{}}}{}; known are term, definition, definition.LANGUAGE, "
                     "translation.LANGUAGE, forbidden, forbidden.LANGUAGE, domain, language, id, source",
                     printable(field, 40),
                     nearest.empty() ? "" : fmt::format(" (did you mean {{{}}}?)", nearest)));
}

std::vector<Piece> parse_content(const std::string& content, const std::string& subject) {
  std::vector<Piece> pieces(1);
  for (std::size_t i = 0; i < content.size(); ++i) {
    const char c = content[i];
    if ((c == '{' || c == '}') && i + 1 < content.size() && content[i + 1] == c) {
      pieces.back().text += c;
      ++i;
    } else if (c == '{') {
      const std::size_t end = content.find('}', i);
      const std::string place = fmt::format("{}, column {}", subject, i + 1);
      if (end == std::string::npos) {
        refuse(place, "'{' is not closed; a brace of the text itself is written '{{'");
      }
      pieces.back().field = content.substr(i + 1, end - i - 1);
      check_field(pieces.back().field, place);
      pieces.emplace_back();
      i = end;
    } else if (c == '}') {
      refuse(fmt::format("{}, column {}", subject, i + 1),
             "'}' without '{'; a brace of the text itself is written '}}'");
    } else {
      pieces.back().text += c;
    }
  }
  return pieces;
}

void check_keys(const Json& object, const std::vector<std::string>& known, const std::string& subject) {
  if (!object.is_object()) {
    refuse(subject, fmt::format("expected an object, got {}", kind_of(object)));
  }
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::count(known, key) == 0) {
      refuse(subject,
             fmt::format("unknown key '{}'{}", printable(key, 40), did_you_mean(key.substr(0, 40), known)));
    }
  }
}

GlossaryTemplate::Message parse_message(const Json& message, const std::string& subject) {
  check_keys(message, {"role", "content"}, subject);
  GlossaryTemplate::Message result;
  try {
    result.role = text_cell(message, "role");
    if (std::ranges::count(kRoles, result.role) == 0) {
      refuse("role", fmt::format("expected system, user or assistant, got '{}'", printable(result.role, 40)));
    }
    text_cell(message, "content");
  } catch (const Error& error) {
    throw error.within(subject);
  }
  result.content = parse_content(message["content"].get_ref<const std::string&>(), subject);
  return result;
}

void add_needs(GlossaryTemplate& result) {
  for (const GlossaryTemplate::Message& message : result.messages) {
    for (const Piece& piece : message.content) {
      if (!piece.field.empty() && std::ranges::count(result.needs, piece.field) == 0) {
        result.needs.push_back(piece.field);
      }
    }
  }
  const auto is_forbidden = [](const std::string& field) { return field.starts_with("forbidden"); };
  if (std::ranges::count_if(result.needs, is_forbidden) > 1) {
    refuse("needs", "only one of {forbidden} and {forbidden.LANGUAGE} can be in a template");
  }
}

GlossaryTemplate parse_template(const Json& value, const std::string& subject) {
  check_keys(value, {"name", "language", "needs", "messages"}, subject);
  GlossaryTemplate result;
  try {
    result.name = text_cell(value, "name");
    if (const auto language = optional_text_cell(value, "language")) {
      result.language = language_tag(*language);
    }
    if (const Json* needs = find_cell(value, "needs"); needs != nullptr) {
      if (!needs->is_array() || !std::ranges::all_of(*needs, [](const Json& n) { return n.is_string(); })) {
        refuse("needs", "expected a list of names of fields");
      }
      result.needs = needs->get<std::vector<std::string>>();
      for (const std::string& field : result.needs) {
        check_field(field, "needs");
      }
    }
    const Json* messages = find_cell(value, "messages");
    if (messages == nullptr || !messages->is_array() || messages->empty()) {
      refuse("messages", "expected a list of messages");
    }
    for (std::size_t i = 0; i < messages->size(); ++i) {
      result.messages.push_back(parse_message((*messages)[i], fmt::format("messages[{}]", i)));
    }
    if (result.messages.back().role != "assistant") {
      refuse("messages", "the last message must be the assistant's");
    }
    add_needs(result);
  } catch (const Error& error) {
    throw error.within(result.name.empty() ? subject
                                           : fmt::format("template '{}'", printable(result.name, 40)));
  }
  return result;
}

/// The forms of a field, or none where the term lacks it. Only `forbidden` has several.
std::vector<std::string> values_of(const GlossaryTerm& term, const std::string& field) {
  const std::size_t dot = field.find('.');
  const std::string stem = field.substr(0, dot);
  const std::string language = dot == std::string::npos ? "" : field.substr(dot + 1);
  const auto some = [](const std::string* text) {
    return text == nullptr || text->empty() ? std::vector<std::string>{} : std::vector<std::string>{*text};
  };
  if (stem == "forbidden") {
    const auto* forms = find_language(term.forbidden, language.empty() ? term.language : language);
    if (forms == nullptr && language.empty()) {
      forms = find_language(term.forbidden, primary_language(term.language));
    }
    return forms == nullptr ? std::vector<std::string>{} : *forms;
  }
  if (stem == "translation") {
    return some(find_language(term.translations, language));
  }
  if (stem == "definition") {
    const bool own =
        language.empty() || language == term.language || language == primary_language(term.language);
    return some(own ? &term.definition : find_language(term.definitions, language));
  }
  const std::string* text = stem == "id"         ? &term.id
                            : stem == "term"     ? &term.term
                            : stem == "language" ? &term.language
                            : stem == "domain"   ? &term.domain
                                                 : &term.source;
  return some(text);
}

bool applies(const GlossaryTemplate& candidate, const GlossaryTerm& term) {
  const bool language = candidate.language.empty() || candidate.language == term.language ||
                        candidate.language == primary_language(term.language);
  return language && std::ranges::none_of(candidate.needs, [&](const std::string& field) {
           return values_of(term, field).empty();
         });
}

Row filled(const GlossaryTemplate& form, const GlossaryTerm& term, const std::string& forbidden) {
  Json messages = Json::array();
  for (const GlossaryTemplate::Message& message : form.messages) {
    std::string content;
    for (const Piece& piece : message.content) {
      content += piece.text;
      if (piece.field.starts_with("forbidden")) {
        content += forbidden;
      } else if (!piece.field.empty()) {
        content += values_of(term, piece.field).front();
      }
    }
    messages.push_back({{"role", message.role}, {"content", content}});
  }
  return {{{"messages", std::move(messages)}}, term.place};
}

}  // namespace

std::vector<GlossaryTemplate> parse_glossary_templates(std::string_view json, const std::string& file) {
  std::vector<GlossaryTemplate> templates;
  try {
    const Json list = parse_row_json(json);
    if (!list.is_array() || list.empty()) {
      refuse("templates", fmt::format("expected a list of templates, got {}",
                                      list.is_array() ? "an empty one" : kind_of(list)));
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      templates.push_back(parse_template(list[i], fmt::format("template {}", i + 1)));
    }
  } catch (const Error& error) {
    throw error.within(file);
  }
  return templates;
}

std::vector<GlossaryTemplate> choose_glossary_templates(const std::vector<std::string>& names) {
  const std::vector<GlossaryTemplate>& bundled = bundled_glossary_templates();
  if (names.empty()) {
    return bundled;
  }
  std::vector<GlossaryTemplate> chosen;
  for (const std::string& name : names) {
    const std::size_t before = chosen.size();
    std::ranges::copy_if(bundled, std::back_inserter(chosen),
                         [&](const GlossaryTemplate& one) { return one.name == name; });
    if (chosen.size() > before) {
      continue;
    }
    if (std::filesystem::is_regular_file(name)) {
      for (GlossaryTemplate& own : parse_glossary_templates(MappedFile::open(name)->text(), name)) {
        chosen.push_back(std::move(own));
      }
      continue;
    }
    std::vector<std::string> known;
    std::string listed;
    for (const GlossaryTemplate& one : bundled) {
      if (std::ranges::count(known, one.name) == 0) {
        known.push_back(one.name);
        listed += (listed.empty() ? "" : ", ") + one.name;
      }
    }
    throw Error(ErrorKind::kUsage, "templates",
                fmt::format("'{}' is neither a template's name ({}) nor a file{}", name, listed,
                            did_you_mean(name, known)));
  }
  return chosen;
}

std::vector<Row> expand_term(const GlossaryTerm& term, std::span<const GlossaryTemplate> templates) {
  std::vector<Row> rows;
  for (const GlossaryTemplate& candidate : templates) {
    if (!applies(candidate, term)) {
      continue;
    }
    const auto forbidden = std::ranges::find_if(
        candidate.needs, [](const std::string& field) { return field.starts_with("forbidden"); });
    if (forbidden == candidate.needs.end()) {
      rows.push_back(filled(candidate, term, ""));
      continue;
    }
    for (const std::string& form : values_of(term, *forbidden)) {
      rows.push_back(filled(candidate, term, form));
    }
  }
  if (rows.empty()) {
    refuse("term",
           fmt::format("no template applies to '{}' ({}): it has too few of definition, translation and "
                       "forbidden forms, or its language has no template",
                       printable(term.term, 80), term.language));
  }
  return rows;
}

}  // namespace lore
