#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/corpus/glossary.h"

namespace lore {

/// A chat with gaps that the fields of a term fill.
struct GlossaryTemplate {
  /// Fixed text, then a field, whose name is empty after the last text.
  struct Piece {
    std::string text;
    std::string field;
  };
  struct Message {
    std::string role;
    std::vector<Piece> content;
  };

  std::string name;
  std::string language;            ///< of the terms it is for; empty: any
  std::vector<std::string> needs;  ///< fields without which it does not apply: all that it names
  std::vector<Message> messages;
};

/// The templates of a JSON text: a list of `{"name", "language", "needs", "messages": [{"role",
/// "content"}]}`. `content` names fields in braces: `{term}`, `{definition}`, `{definition.en}`,
/// `{translation.en}`,
/// `{forbidden}`, `{forbidden.en}`, `{domain}`, `{language}`, `{id}`, `{source}`; `{{` and `}}` are braces.
/// `needs` may name more fields than the content does.
/// Throws: Error kInput, subject "FILE: template 'NAME': messages[0], column 5" as far as known.
std::vector<GlossaryTemplate> parse_glossary_templates(std::string_view json, const std::string& file);

/// The templates that Lore brings along, for Chinese and English terms.
const std::vector<GlossaryTemplate>& bundled_glossary_templates();

/// The templates that `templates` of a source names: of the bundled ones by their name, or from JSON files;
/// all bundled ones where it is empty.
/// Throws: Error kUsage for a name that is no template and no file; kInput for a bad file.
std::vector<GlossaryTemplate> choose_glossary_templates(const std::vector<std::string>& names);

/// The rows `{"messages": [...]}` that the templates make of a term, in the order of the templates; one a
/// forbidden form where a template names `{forbidden}`. All have the term's place as their source.
/// Throws: Error kInput where no template applies.
std::vector<Row> expand_term(const GlossaryTerm& term, std::span<const GlossaryTemplate> templates);

}  // namespace lore
