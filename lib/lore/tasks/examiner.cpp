#include "lore/tasks/examiner.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "lore/core/file_memo.h"
#include "lore/core/sha256.h"
#include "lore/tasks/library_code.h"
#include "lore/tasks/provenance.h"

namespace lore {
namespace {

/// The content of the model's files: its weights, and what says how they are computed.
nlohmann::ordered_json files_identity(const BaseModel& base, const std::filesystem::path& memo_folder) {
  const FileMemo memo(memo_folder);
  std::vector<std::filesystem::path> files = base.weights->files();
  for (const char* name : {"config.json", "generation_config.json"}) {
    if (std::filesystem::exists(base.path / name)) {
      files.push_back(base.path / name);
    }
  }
  nlohmann::ordered_json hashes = nlohmann::ordered_json::array();
  for (const std::filesystem::path& file : files) {
    hashes.push_back(memo.get("sha256", {file}, [&] { return sha256_of_file(file); }));
  }
  return hashes;
}

/// All that decides what the base gives to a question: other bytes would come of any other.
nlohmann::ordered_json base_identity(const ExaminedBase& base, std::int64_t batch_tokens,
                                     const Environment& environment) {
  return {{"code", library_code()},
          {"versions", Provenance::versions()},
          {"threads", environment.threads},
          {"files", files_identity(base.base, environment.hash_dir)},
          {"dtype", describe_dtype(*base.base.model)},
          {"device", base.base.model->device().str()},
          {"batch_tokens", batch_tokens},
          {"examples", base.maker.builder.identity()}};
}

}  // namespace

ExaminedBase load_examined_base(const ModelSpec& spec, const DataSpec& rows, const Environment& environment,
                                Messages& messages) {
  const std::filesystem::path path = find_base(spec, environment);
  const auto tokenizer = load_tokenizer(path);
  BaseModel base = load_base(spec, path, Purpose::kMeasuring, environment, messages);
  return {std::move(base), tokenizer, make_example_builder(rows, path, tokenizer)};
}

Evaluation compare_outcomes(const Questions& questions, Outcome base, std::optional<Outcome> adapted) {
  Evaluation evaluation;
  for (std::size_t i = 0; i < questions.sources.size(); ++i) {
    const LanguageSource& source = questions.sources[i];
    SourceScore& score = evaluation.sources.emplace_back();
    score.name = source.name;
    score.identity = source.identity;
    score.is_text = source.is_text;
    score.base = base.scores[i];
    if (adapted) {
      score.adapted = adapted->scores[i];
    }
  }
  for (std::size_t i = 0; i < questions.suites.size(); ++i) {
    const NamedSuite& suite = questions.suites[i];
    SuiteResult& result = evaluation.suites.emplace_back(
        summarize(*suite.suite, std::move(base.cases[i]),
                  adapted ? std::optional(std::move(adapted->cases[i])) : std::nullopt));
    result.name = suite.name;
    result.kind = suite.kind;
    result.identity = suite.identity;
  }
  evaluation.numbers = all_numbers(evaluation.sources, evaluation.suites);
  return evaluation;
}

Examiner::Examiner(const ExaminedBase& base, std::int64_t batch_tokens, bool uses_cache,
                   const Environment& environment, EvaluationProgress on_progress)
    : base_(base),
      batch_tokens_(batch_tokens),
      environment_(environment),
      on_progress_(std::move(on_progress)),
      stop_ids_(stop_ids(base.base, *base.tokenizer)) {
  if (uses_cache && !environment.cache_dir.empty()) {
    kept_.emplace(Memo(environment.cache_dir), base_identity(base, batch_tokens, environment));
  }
}

std::optional<Outcome> Examiner::examine(const Questions& questions, const ExaminedModel& examined) {
  Outcome outcome;
  for (const LanguageSource& source : questions.sources) {
    outcome.scores.push_back(score(source, examined));
    if (stopped()) {
      return std::nullopt;
    }
  }
  for (const NamedSuite& suite : questions.suites) {
    outcome.cases.push_back(ask(suite, examined));
    if (stopped()) {
      return std::nullopt;
    }
  }
  return outcome;
}

LanguageScore Examiner::score(const LanguageSource& source, const ExaminedModel& examined) {
  if (examined.is_base && kept_) {
    if (const auto known = kept_->find_score(source.identity)) {
      ++reused_;
      return *known;
    }
  }
  const auto start = std::chrono::steady_clock::now();
  const auto all = static_cast<double>(std::max<std::int64_t>(1, source.tokens()));
  const LanguageScore score =
      score_source(*base_.base.model, examined.adapters, source, batch_tokens_, [&](std::int64_t done) {
        on_progress_(examined.name, source.name, static_cast<double>(done) / all);
        return !stopped();
      });
  tokens_ += source.tokens();
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (examined.is_base && kept_ && !stopped()) {
    kept_->keep(source.identity, score);
  }
  return score;
}

std::vector<SuiteCase> Examiner::ask(const NamedSuite& suite, const ExaminedModel& examined) {
  if (examined.is_base && kept_) {
    if (auto known = kept_->find_cases(suite.identity)) {
      ++reused_;
      return std::move(*known);
    }
  }
  std::vector<SuiteCase> cases =
      suite.suite->run({*base_.base.model, examined.adapters, *base_.tokenizer, base_.maker.builder,
                        !base_.maker.chat_template.empty(), stop_ids_, batch_tokens_, [&](double share) {
                          on_progress_(examined.name, suite.name, share);
                          return !stopped();
                        }});
  if (examined.is_base && kept_ && !stopped()) {
    kept_->keep(suite.identity, cases);
  }
  return cases;
}

}  // namespace lore
