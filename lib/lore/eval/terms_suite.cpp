#include "lore/eval/terms_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "lore/core/error.h"
#include "lore/eval/case_values.h"
#include "lore/eval/continuation.h"
#include "lore/eval/question_rows.h"
#include "lore/eval/text_scores.h"
#include "lore/generate/generate_answers.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kShareOfMargins = 0.1;  ///< of the time, where answers are generated too

// Counts of a case, of which BLEU and chrF are made.
constexpr const char* kBleuAnswer = "bleu.answer.{}";
constexpr const char* kBleuCommon = "bleu.common.{}";
constexpr const char* kBleuAnswerWords = "bleu.answer_words";
constexpr const char* kBleuReferenceWords = "bleu.reference_words";
constexpr const char* kChrfAnswer = "chrf.answer.{}";
constexpr const char* kChrfReference = "chrf.reference.{}";
constexpr const char* kChrfCommon = "chrf.common.{}";

/// What a model is asked. One without a chat template gets the questions made of a glossary as plain text.
Json prompt_for(const TermQuestion& question, bool chats) {
  const bool is_made = question.task != "given";
  return chats || !is_made ? question.prompt : Json{{"prompt", question_text(question.prompt) + "\n"}};
}

/// The forms of a question as continuations of one context: as many tokens as the prompt and every form
/// share.
std::vector<Continuation> competing_forms(const TermQuestion& question, const TestedModel& tested) {
  const Json prompt = prompt_for(question, tested.chats);
  std::vector<std::string> forms{question.right};
  forms.insert(forms.end(), question.forbidden.begin(), question.forbidden.end());
  std::vector<std::int32_t> context = tested.builder.build_prompt(prompt, question.begun);
  std::vector<std::vector<std::int32_t>> whole;
  for (const std::string& form : forms) {
    const std::vector<std::int32_t>& ids =
        whole.emplace_back(tested.builder.build_prompt(prompt, question.begun + form));
    const auto differ = std::mismatch(context.begin(), context.end(), ids.begin(), ids.end());
    context.erase(differ.first, context.end());
  }
  std::vector<Continuation> continuations;
  for (const std::vector<std::int32_t>& ids : whole) {
    continuations.push_back(
        {context, {ids.begin() + static_cast<std::ptrdiff_t>(context.size()), ids.end()}});
  }
  return continuations;
}

SuiteCase unanswered(const TermQuestion& question) {
  SuiteCase one;
  one.id = question.id;
  one.groups = question.groups;
  one.detail = {{"task", question.task},
                {"question", question_text(question.prompt)},
                {"right answer", question.reference}};
  return one;
}

void put_scores(const std::string& answer, const TermQuestion& question, SuiteCase& result) {
  result.values["exact"] = is_exact(answer, question.reference) ? 1 : 0;
  result.values["normalized"] = is_same_normalized(answer, question.reference) ? 1 : 0;
  result.values["rouge_l"] = rouge_l(answer, question.reference);
  const auto put = [&](const char* name, std::size_t order, double value) {
    result.counts[fmt::format(fmt::runtime(name), order + 1)] = value;
  };
  const BleuCounts words = bleu_counts(answer, question.reference,
                                       question.language == "zh" ? BleuTokenizer::kZh : BleuTokenizer::k13a);
  for (std::size_t i = 0; i < BleuCounts::kOrders; ++i) {
    put(kBleuAnswer, i, words.answer[i]);
    put(kBleuCommon, i, words.common[i]);
  }
  result.counts[kBleuAnswerWords] = words.answer_words;
  result.counts[kBleuReferenceWords] = words.reference_words;
  const ChrfCounts characters = chrf_counts(answer, question.reference);
  for (std::size_t i = 0; i < ChrfCounts::kOrders; ++i) {
    put(kChrfAnswer, i, characters.answer[i]);
    put(kChrfReference, i, characters.reference[i]);
    put(kChrfCommon, i, characters.common[i]);
  }
}

/// BLEU and chrF of the summed counts.
void put_corpus_scores(const Metrics& sums, Metrics& metrics) {
  if (!sums.contains(kBleuAnswerWords)) {
    return;
  }
  const auto sum = [&](const char* name, std::size_t order) {
    return sums.at(fmt::format(fmt::runtime(name), order + 1));
  };
  BleuCounts words;
  for (std::size_t i = 0; i < BleuCounts::kOrders; ++i) {
    words.answer[i] = sum(kBleuAnswer, i);
    words.common[i] = sum(kBleuCommon, i);
  }
  words.answer_words = sums.at(kBleuAnswerWords);
  words.reference_words = sums.at(kBleuReferenceWords);
  metrics["bleu"] = bleu(words);
  ChrfCounts characters;
  for (std::size_t i = 0; i < ChrfCounts::kOrders; ++i) {
    characters.answer[i] = sum(kChrfAnswer, i);
    characters.reference[i] = sum(kChrfReference, i);
    characters.common[i] = sum(kChrfCommon, i);
  }
  metrics["chrf"] = chrf(characters);
}

}  // namespace

TermsSuite::TermsSuite(std::vector<GlossaryTerm> terms, std::vector<TermQuestion> questions,
                       std::int64_t max_new_tokens)
    : terms_(std::move(terms)),
      matcher_(terms_),
      questions_(std::move(questions)),
      max_new_tokens_(max_new_tokens) {}

Json TermsSuite::identity() const {
  Json forms = Json::array();
  for (const TermForm& form : matcher_.forms()) {
    forms.push_back({form.term, form.text, form.language, form.is_forbidden});
  }
  Json questions = Json::array();
  for (const TermQuestion& question : questions_) {
    questions.push_back({question.id, question.task, question.prompt, question.reference, question.begun,
                         question.right, question.forbidden, question.groups});
  }
  return {{"kind", "terms"},
          {"max_new_tokens", max_new_tokens_},
          {"forms", std::move(forms)},
          {"questions", std::move(questions)}};
}

std::vector<SuiteCase> TermsSuite::run(const TestedModel& tested) const {
  std::vector<SuiteCase> cases;
  for (const TermQuestion& question : questions_) {
    cases.push_back(unanswered(question));
  }
  add_margins(tested, cases);
  if (max_new_tokens_ > 0 && tested.on_progress(kShareOfMargins)) {
    add_answers(tested, cases);
  }
  return cases;
}

void TermsSuite::add_margins(const TestedModel& tested, std::vector<SuiteCase>& cases) const {
  std::vector<Continuation> continuations;
  for (const TermQuestion& question : questions_) {
    if (question.right.empty()) {
      continue;
    }
    try {
      for (Continuation& form : competing_forms(question, tested)) {
        continuations.push_back(std::move(form));
      }
    } catch (const Error& error) {
      throw error.within(question.place);
    }
  }
  const std::vector<ContinuationScore> scores =
      score_continuations(tested, continuations, max_new_tokens_ > 0 ? kShareOfMargins : 1);
  std::size_t next = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const TermQuestion& question = questions_[i];
    if (question.right.empty()) {
      continue;
    }
    const auto mean = [&](std::size_t form) {
      return scores[form].log_probability / static_cast<double>(continuations[form].ids.size());
    };
    const double right = mean(next++);
    double best = -std::numeric_limits<double>::infinity();
    Json forbidden = Json::object();
    for (const std::string& form : question.forbidden) {
      best = std::max(best, mean(next));
      forbidden[form] = mean(next++);
    }
    cases[i].values["margin"] = right - best;
    cases[i].values["margin_accuracy"] = right > best ? 1 : 0;
    cases[i].detail["log-probability a token"] = {{"right", {{question.right, right}}},
                                                  {"forbidden", std::move(forbidden)}};
  }
}

void TermsSuite::add_answers(const TestedModel& tested, std::vector<SuiteCase>& cases) const {
  std::vector<std::vector<std::int32_t>> prompts;
  for (const TermQuestion& question : questions_) {
    try {
      prompts.push_back(tested.builder.build_prompt(prompt_for(question, tested.chats)));
    } catch (const Error& error) {
      throw error.within(question.place);
    }
  }
  GenerationSettings settings;
  settings.max_new_tokens = max_new_tokens_;
  settings.stop_ids = tested.stop_ids;
  std::size_t done = 0;
  const std::vector<Answer> answers = generate_answers(
      tested.model, tested.adapters, prompts, settings, {.on_answer = [&](std::size_t, const Answer&) {
        return tested.on_progress(kShareOfMargins + (1 - kShareOfMargins) * static_cast<double>(++done) /
                                                        static_cast<double>(prompts.size()));
      }});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    judge(questions_[i], tested.tokenizer.decode(answers[i].ids, /*skip_special_tokens=*/true), cases[i]);
  }
}

void TermsSuite::judge(const TermQuestion& question, const std::string& answer, SuiteCase& result) const {
  // What the question or the right answer says may be said: "not 坏账率 but 不良贷款率".
  std::set<std::size_t> allowed;
  for (const std::string& text : {question_text(question.prompt), question.reference}) {
    for (const TermMatch& match : matcher_.find(text)) {
      allowed.insert(match.form);
    }
  }
  bool has_right = false;
  bool has_forbidden = false;
  bool has_forbidden_of_term = false;
  Json highlights = Json::array();
  for (const TermMatch& match : matcher_.find(answer)) {
    const TermForm& form = matcher_.forms()[match.form];
    const bool is_meant = form.term == question.term && primary_language(form.language) == question.language;
    const bool is_violation = form.is_forbidden && !allowed.contains(match.form);
    has_right = has_right || (is_meant && !form.is_forbidden);
    has_forbidden = has_forbidden || is_violation;
    has_forbidden_of_term = has_forbidden_of_term || (is_meant && is_violation);
    highlights.push_back({{"text", answer.substr(match.begin, match.end - match.begin)},
                          {"kind", form.is_forbidden ? "forbidden" : "right"}});
  }
  result.values["forbidden_rate"] = has_forbidden ? 1 : 0;
  if (question.task != "definition") {
    result.values["recall"] = has_right ? 1 : 0;
  }
  if (!question.direction.empty()) {
    result.values["translation." + question.direction] = has_right && !has_forbidden_of_term ? 1 : 0;
  }
  if (question.task == "given" || question.task == "definition") {
    put_scores(answer, question, result);
  }
  result.detail["answer"] = answer;
  result.detail["highlights"] = std::move(highlights);
}

Metrics TermsSuite::metrics(std::span<const SuiteCase* const> cases) const {
  Metrics metrics = mean_values(cases);
  put_corpus_scores(sum_counts(cases), metrics);
  return metrics;
}

std::unique_ptr<Suite> open_terms_suite(const SuiteSpec& spec) {
  std::vector<TermQuestion> questions;
  if (spec.glossary.empty()) {
    const std::vector<Row> rows = read_question_rows(spec);
    if (rows.front().value.contains("messages") || rows.front().value.contains("completion")) {
      throw Error(ErrorKind::kInput, rows.front().source,
                  "holds questions, not a glossary: name the glossary of their terms too");
    }
    std::vector<GlossaryTerm> terms = read_glossary({spec.path});
    questions = make_term_questions(terms);
    if (spec.limit && questions.size() > static_cast<std::size_t>(*spec.limit)) {
      questions.resize(static_cast<std::size_t>(*spec.limit));
    }
    if (questions.empty()) {
      throw Error(ErrorKind::kInput, spec.path,
                  "has no term with a definition or a translation in Chinese or English");
    }
    return std::make_unique<TermsSuite>(std::move(terms), std::move(questions), spec.max_new_tokens);
  }
  std::vector<GlossaryTerm> terms = read_glossary({spec.glossary});
  const TermMatcher matcher(terms);
  for (const Row& row : read_question_rows(spec)) {
    try {
      questions.push_back(read_term_question(row, terms, matcher));
    } catch (const Error& error) {
      throw error.within(row.source);
    }
  }
  return std::make_unique<TermsSuite>(std::move(terms), std::move(questions), spec.max_new_tokens);
}

}  // namespace lore
