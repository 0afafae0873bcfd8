#include "lore/eval/choices_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/row_cells.h"
#include "lore/data/chat_rows.h"
#include "lore/eval/case_values.h"
#include "lore/eval/continuation.h"
#include "lore/eval/question_rows.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(std::string subject, std::string message) {
  throw Error(ErrorKind::kInput, std::move(subject), std::move(message));
}

std::vector<std::string> read_choices(const Json& row) {
  const Json* cell = find_cell(row, "choices");
  if (cell == nullptr) {
    refuse("choices", "is missing");
  }
  const Json list = structured_cell(*cell, "choices");
  if (!list.is_array() || list.size() < 2) {
    refuse("choices", fmt::format("expected a list of at least two texts, got {}",
                                  list.is_array() ? "a shorter one" : kind_of(list)));
  }
  std::vector<std::string> choices;
  for (const Json& choice : list) {
    const std::string subject = fmt::format("choices[{}]", choices.size());
    if (!choice.is_string()) {
      refuse(subject, fmt::format("expected text, got {}", kind_of(choice)));
    }
    const auto& text = choice.get_ref<const std::string&>();
    if (is_blank(text)) {
      refuse(subject, "is empty");
    }
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) {
      refuse(subject, fmt::format("'{}' is there twice", printable(text, 80)));
    }
    choices.push_back(text);
  }
  return choices;
}

/// An index, a text that is one of the choices, or, as the cells of a table are, an index as text.
std::size_t read_answer(const Json& row, const std::vector<std::string>& choices) {
  const Json* cell = find_cell(row, "answer");
  if (cell == nullptr) {
    refuse("answer", "is missing");
  }
  const bool is_text = cell->is_string();
  const std::string text = is_text ? cell->get<std::string>() : cell->dump();
  if (is_text) {
    if (const auto found = std::find(choices.begin(), choices.end(), text); found != choices.end()) {
      return static_cast<std::size_t>(found - choices.begin());
    }
  }
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size() || index >= choices.size()) {
    refuse("answer", fmt::format("{} is neither one of the choices nor an index from 0 to {}",
                                 printable(cell->dump(), 80), choices.size() - 1));
  }
  return index;
}

/// The number of Unicode characters of a text.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

/// Whether the right choice has the highest log-likelihood over its length; the first of equals counts.
double is_right(const ChoiceQuestion& question, const std::vector<double>& log_probabilities,
                const std::vector<double>& lengths) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < lengths.size(); ++i) {
    if (log_probabilities[i] / lengths[i] > log_probabilities[best] / lengths[best]) {
      best = i;
    }
  }
  return best == question.answer ? 1 : 0;
}

SuiteCase answered(const ChoiceQuestion& question, std::span<const Continuation> continuations,
                   std::span<const ContinuationScore> scores) {
  std::vector<double> log_probabilities;
  std::vector<double> of_characters;
  std::vector<double> of_bytes;
  std::vector<double> of_tokens;
  Json choices = Json::array();
  for (std::size_t i = 0; i < question.choices.size(); ++i) {
    log_probabilities.push_back(scores[i].log_probability);
    of_characters.push_back(static_cast<double>(characters(question.choices[i])));
    of_bytes.push_back(static_cast<double>(question.choices[i].size()));
    of_tokens.push_back(static_cast<double>(continuations[i].ids.size()));
    choices.push_back({{"text", question.choices[i]},
                       {"log_probability", log_probabilities[i]},
                       {"tokens", continuations[i].ids.size()}});
  }
  const std::vector<double> ones(question.choices.size(), 1);
  const auto chosen = std::max_element(log_probabilities.begin(), log_probabilities.end());
  SuiteCase one;
  one.id = question.id;
  one.groups = question.groups;
  one.values = {{"accuracy", is_right(question, log_probabilities, ones)},
                {"accuracy_norm", is_right(question, log_probabilities, of_characters)},
                {"accuracy_bytes", is_right(question, log_probabilities, of_bytes)},
                {"accuracy_tokens", is_right(question, log_probabilities, of_tokens)}};
  one.detail = {{"question", question_text(question.prompt)},
                {"right", question.choices[question.answer]},
                {"chosen", question.choices[static_cast<std::size_t>(chosen - log_probabilities.begin())]},
                {"choices", std::move(choices)}};
  return one;
}

}  // namespace

ChoiceQuestion read_choice_question(const Row& row) {
  const Json& value = row.value;
  ChoiceQuestion question;
  question.place = row.source;
  question.id = read_id(value, row.source);
  question.groups = read_groups(value);
  const Json* query = find_cell(value, "query");
  const Json* messages = find_cell(value, "messages");
  if ((query == nullptr) == (messages == nullptr)) {
    refuse("row", query == nullptr
                      ? fmt::format("has neither 'query' nor 'messages'; its keys: {}", listed_keys(value))
                      : "has 'query' and also 'messages': which is meant?");
  }
  if (query != nullptr) {
    question.prompt = {{"prompt", text_cell(value, "query")}};
    question.delimiter = " ";
  } else {
    question.prompt = {{"messages", read_messages(structured_cell(*messages, "messages"), "messages")}};
  }
  if (const auto delimiter = value.find("delimiter"); delimiter != value.end()) {
    if (!delimiter->is_string()) {
      refuse("delimiter", fmt::format("expected text, got {}", kind_of(*delimiter)));
    }
    question.delimiter = delimiter->get<std::string>();
  }
  question.choices = read_choices(value);
  question.answer = read_answer(value, question.choices);
  return question;
}

Json ChoicesSuite::identity() const {
  Json questions = Json::array();
  for (const ChoiceQuestion& question : questions_) {
    questions.push_back({question.id, question.prompt, question.delimiter, question.choices, question.answer,
                         question.groups});
  }
  return {{"kind", "choices"}, {"questions", std::move(questions)}};
}

std::vector<SuiteCase> ChoicesSuite::run(const TestedModel& tested) const {
  std::vector<Continuation> continuations;
  for (const ChoiceQuestion& question : questions_) {
    try {
      for (const std::string& choice : question.choices) {
        ContinuedPrompt ids = tested.builder.build_continuation(question.prompt, question.delimiter + choice);
        continuations.push_back({std::move(ids.prompt), std::move(ids.continuation)});
      }
    } catch (const Error& error) {
      throw error.within(question.place);
    }
  }
  const std::vector<ContinuationScore> scores = score_continuations(tested, continuations);
  std::vector<SuiteCase> cases;
  std::size_t first = 0;
  for (const ChoiceQuestion& question : questions_) {
    const std::size_t count = question.choices.size();
    cases.push_back(answered(question, std::span(continuations).subspan(first, count),
                             std::span(scores).subspan(first, count)));
    first += count;
  }
  return cases;
}

Metrics ChoicesSuite::metrics(std::span<const SuiteCase* const> cases) const { return mean_values(cases); }

std::unique_ptr<Suite> open_choices_suite(const SuiteSpec& spec) {
  std::vector<ChoiceQuestion> questions;
  for (const Row& row : read_question_rows(spec)) {
    try {
      questions.push_back(read_choice_question(row));
    } catch (const Error& error) {
      throw error.within(row.source);
    }
  }
  return std::make_unique<ChoicesSuite>(std::move(questions));
}

}  // namespace lore
