#include "lore/eval/term_questions.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/suggestion.h"
#include "lore/corpus/row_cells.h"
#include "lore/data/chat_rows.h"
#include "lore/eval/question_rows.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(std::string subject, std::string message) {
  throw Error(ErrorKind::kInput, std::move(subject), std::move(message));
}

/// How a language asks. `{}` is the definition, or the term.
struct Wording {
  std::string_view language;
  std::string_view naming;
  std::string_view definition;
  std::string_view translation;  ///< into the other language
};

constexpr Wording kWordings[] = {{"zh", "下面的定义说的是哪个术语？只回答术语。\n{}",
                                  "{}是什么？请用一句话说明。", "“{}”用英文怎么说？只回答术语。"},
                                 {"en", "Which term has this definition? Answer with the term alone.\n{}",
                                  "What does \"{}\" mean? Answer in one sentence.",
                                  "What is the Chinese term for \"{}\"? Answer with the term alone."}};

/// The right form of a term in a language, or null.
const std::string* right_form(const GlossaryTerm& term, std::string_view language) {
  return primary_language(term.language) == primary_language(language)
             ? &term.term
             : find_language(term.translations, primary_language(language));
}

const std::string* definition_in(const GlossaryTerm& term, std::string_view language) {
  const std::string* text = primary_language(term.language) == primary_language(language)
                                ? &term.definition
                                : find_language(term.definitions, primary_language(language));
  return text == nullptr || text->empty() ? nullptr : text;
}

std::vector<std::string> forbidden_forms(const GlossaryTerm& term, std::string_view language) {
  std::vector<std::string> forms;
  for (const auto& [tag, some] : term.forbidden) {
    if (primary_language(tag) == primary_language(language)) {
      forms.insert(forms.end(), some.begin(), some.end());
    }
  }
  return forms;
}

std::string capitalized(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

/// Lets the right form compete with the forbidden ones behind `begun`, if any is forbidden.
void set_competition(TermQuestion& question, const GlossaryTerm& term, std::string begun, std::string right,
                     bool capitals) {
  std::vector<std::string> forbidden = forbidden_forms(term, question.language);
  if (forbidden.empty()) {
    return;
  }
  question.begun = std::move(begun);
  question.right = capitals ? capitalized(std::move(right)) : std::move(right);
  for (std::string& form : forbidden) {
    question.forbidden.push_back(capitals ? capitalized(std::move(form)) : std::move(form));
  }
}

std::map<std::string, std::string> groups_of(const GlossaryTerm& term, const std::string& language) {
  std::map<std::string, std::string> groups{{"term", term.term}, {"language", language}};
  if (!term.domain.empty()) {
    groups["domain"] = term.domain;
  }
  return groups;
}

std::size_t find_term(const Json& row, std::span<const GlossaryTerm> terms) {
  const std::string id = read_id({{"id", row.value("term", Json())}}, "");
  if (id.empty()) {
    refuse("term", "is missing: the id of the term of the glossary that the row is about");
  }
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].id == id || terms[i].term == id) {
      return i;
    }
    ids.push_back(terms[i].id);
  }
  refuse("term", fmt::format("'{}' is no id and no term of the glossary{}", printable(id, 80),
                             did_you_mean(id, ids)));
}

/// Takes prompt and right answer of a row apart.
void read_prompt(const Json& row, TermQuestion& question) {
  const Json* messages = find_cell(row, "messages");
  if (messages == nullptr) {
    question.prompt = {{"prompt", text_cell(row, "prompt")}};
    question.reference = text_cell(row, "completion");
    return;
  }
  Json turns = read_messages(structured_cell(*messages, "messages"), "messages");
  if (turns.size() < 2 || turns.back()["role"] != "assistant" || !turns.back()["content"].is_string()) {
    refuse("messages", "expected a conversation that ends with the right answer of the assistant");
  }
  question.reference = turns.back()["content"].get<std::string>();
  turns.erase(turns.size() - 1);
  question.prompt = {{"messages", std::move(turns)}};
}

std::string asked_text(const Json& prompt) {
  if (prompt.contains("prompt")) {
    return prompt["prompt"].get<std::string>();
  }
  std::string text;
  for (const Json& message : prompt["messages"]) {
    if (message["content"].is_string()) {
      text += message["content"].get<std::string>() + "\n";
    }
  }
  return text;
}

/// The first right form of a term in a text.
const TermMatch* find_right(const std::vector<TermMatch>& matches, const TermMatcher& matcher,
                            std::size_t term) {
  const auto found = std::find_if(matches.begin(), matches.end(), [&](const TermMatch& match) {
    const TermForm& form = matcher.forms()[match.form];
    return form.term == term && !form.is_forbidden;
  });
  return found == matches.end() ? nullptr : &*found;
}

std::string language_of(const TermMatcher& matcher, const TermMatch& match) {
  return std::string(primary_language(matcher.forms()[match.form].language));
}

/// A question without its prompt, as made of a glossary.
TermQuestion made(const GlossaryTerm& term, std::size_t index, std::string task, std::string language) {
  TermQuestion question;
  question.id = fmt::format("{} {} {}", term.id.empty() ? term.term : term.id, task, language);
  question.task = std::move(task);
  question.term = index;
  question.groups = groups_of(term, language);
  question.language = std::move(language);
  question.place = term.place;
  return question;
}

Json user_prompt(std::string_view wording, const std::string& gap) {
  return {
      {"messages", Json::array({{{"role", "user"}, {"content", fmt::format(fmt::runtime(wording), gap)}}})}};
}

}  // namespace

TermQuestion read_term_question(const Row& row, std::span<const GlossaryTerm> terms,
                                const TermMatcher& matcher) {
  const Json& value = row.value;
  TermQuestion question;
  question.id = read_id(value, row.source);
  question.place = row.source;
  question.task = "given";
  question.term = find_term(value, terms);
  const GlossaryTerm& term = terms[question.term];
  read_prompt(value, question);

  const std::vector<TermMatch> in_reference = matcher.find(question.reference);
  const TermMatch* right = find_right(in_reference, matcher, question.term);
  question.language =
      right == nullptr ? std::string(primary_language(term.language)) : language_of(matcher, *right);
  if (right != nullptr) {
    const char first = question.reference[right->begin];
    set_competition(question, term, question.reference.substr(0, right->begin),
                    matcher.forms()[right->form].text, first >= 'A' && first <= 'Z');
  }
  const std::vector<TermMatch> in_question = matcher.find(asked_text(question.prompt));
  const TermMatch* asked = find_right(in_question, matcher, question.term);
  if (right != nullptr && asked != nullptr && language_of(matcher, *asked) != question.language) {
    question.direction = fmt::format("{}_{}", language_of(matcher, *asked), question.language);
  }
  question.groups = groups_of(term, question.language);
  for (const auto& [grouping, group] : read_groups(value)) {
    question.groups[grouping] = group;
  }
  return question;
}

std::vector<TermQuestion> make_term_questions(std::span<const GlossaryTerm> terms) {
  std::vector<TermQuestion> questions;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const GlossaryTerm& term = terms[i];
    for (const Wording& wording : kWordings) {
      const std::string language(wording.language);
      const std::string* form = right_form(term, language);
      const std::string* definition = definition_in(term, language);
      if (form == nullptr) {
        continue;
      }
      if (definition != nullptr) {
        TermQuestion naming = made(term, i, "naming", language);
        naming.prompt = user_prompt(wording.naming, *definition);
        naming.reference = *form;
        set_competition(naming, term, "", *form, false);
        questions.push_back(std::move(naming));
        TermQuestion meaning = made(term, i, "definition", language);
        meaning.prompt = user_prompt(wording.definition, *form);
        meaning.reference = *definition;
        questions.push_back(std::move(meaning));
      }
      const std::string other = language == "zh" ? "en" : "zh";
      if (const std::string* translation = right_form(term, other)) {
        TermQuestion into = made(term, i, "translation", other);
        into.direction = fmt::format("{}_{}", language, other);
        into.prompt = user_prompt(wording.translation, *form);
        into.reference = *translation;
        set_competition(into, term, "", *translation, false);
        questions.push_back(std::move(into));
      }
    }
  }
  return questions;
}

}  // namespace lore
