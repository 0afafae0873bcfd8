#pragma once

#include <memory>
#include <vector>

#include "lore/corpus/glossary.h"
#include "lore/eval/suite.h"
#include "lore/eval/term_matching.h"
#include "lore/eval/term_questions.h"
#include "lore/recipe/specs.h"

namespace lore {

/// Whether a model uses the terms of a glossary. Without sampling:
///
/// - `margin`: mean over its tokens of the log-probability of the right term, less that of the likeliest
///   forbidden form at the same place, in nats
/// - `margin_accuracy`: the share of places where it is above 0
///
/// and, where answers are generated:
///
/// - `recall`: the share of answers with the right term in the language of the question
/// - `forbidden_rate`: the share of answers with a forbidden form that neither the question nor the right
///   answer has
/// - `translation.zh_en` and the like: the share of translations that have the glossary's term and no
///   forbidden form of it
/// - `exact`, `normalized`, `rouge_l`, `chrf`, `bleu`: answers beside right ones, of definitions and given
/// rows
class TermsSuite final : public Suite {
 public:
  /// `max_new_tokens` is the longest answer; 0 generates none.
  TermsSuite(std::vector<GlossaryTerm> terms, std::vector<TermQuestion> questions,
             std::int64_t max_new_tokens);

  nlohmann::ordered_json identity() const override;
  std::vector<SuiteCase> run(const TestedModel& tested) const override;
  Metrics metrics(std::span<const SuiteCase* const> cases) const override;

 private:
  void add_margins(const TestedModel& tested, std::vector<SuiteCase>& cases) const;
  void add_answers(const TestedModel& tested, std::vector<SuiteCase>& cases) const;
  void judge(const TermQuestion& question, const std::string& answer, SuiteCase& result) const;

  std::vector<GlossaryTerm> terms_;
  TermMatcher matcher_;
  std::vector<TermQuestion> questions_;
  std::int64_t max_new_tokens_;
};

/// The questions of `path` about the terms of `glossary`; without that `path` is a glossary, of which the
/// questions are made. Throws: Error kInput with the place of what is wrong.
std::unique_ptr<Suite> open_terms_suite(const SuiteSpec& spec);

}  // namespace lore
