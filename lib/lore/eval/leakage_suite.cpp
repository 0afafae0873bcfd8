#include "lore/eval/leakage_suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/sha256.h"
#include "lore/corpus/row_cells.h"
#include "lore/corpus/row_form.h"
#include "lore/eval/canary.h"
#include "lore/eval/case_values.h"
#include "lore/eval/labelled_rows.h"
#include "lore/eval/memorisation.h"
#include "lore/eval/question_rows.h"
#include "lore/eval/trained_continuation.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;
using Cases = std::span<const SuiteCase* const>;

constexpr std::size_t kCandidates = 255;

/// A canary, or a row of training data.
struct Secret {
  std::string id;
  std::string place;  ///< "file:line"
  std::map<std::string, std::string> groups;
  Json row;  ///< what is trained; of a canary its prompt, null where it is a text of its own
  std::vector<std::string> texts;  ///< a canary and its candidates; empty for a row of training data
};

Secret read_canary(const Row& row, std::size_t index) {
  Secret secret;
  const std::string& canary = text_cell(row.value, "canary");
  const CanaryFormat format(text_cell(row.value, "format"));
  if (!format.matches(canary)) {
    throw Error(ErrorKind::kInput, "canary", fmt::format("{} is not of its format", in_quotes(canary)));
  }
  secret.texts = format.candidates(canary, kCandidates, index);
  secret.texts.insert(secret.texts.begin(), canary);
  if (find_cell(row.value, "prompt") != nullptr || find_cell(row.value, "messages") != nullptr) {
    secret.row = read_prompt(row.value);
  }
  return secret;
}

/// One of a canary; of a row of training data as many as it trains.
std::vector<Secret> read_secrets(const Row& row, std::size_t index, const RowForm& form) {
  std::vector<Secret> secrets;
  if (find_cell(row.value, "canary") != nullptr) {
    secrets.push_back(read_canary(row, index));
  } else {
    for (Row& trained : form.apply(row)) {
      secrets.emplace_back().row = std::move(trained.value);
    }
  }
  for (Secret& secret : secrets) {
    secret.id = read_id(row.value, row.source);
    secret.place = row.source;
    secret.groups = read_groups(row.value);
  }
  return secrets;
}

/// The second half of what is trained last in a row, after all before it.
Continuation second_half(const ExampleBuilder& builder, const Secret& secret) {
  Continuation trained = last_trained_run(builder.build(secret.row, secret.place));
  const auto half = trained.ids.begin() + static_cast<std::ptrdiff_t>(trained.ids.size() / 2);
  trained.context.insert(trained.context.end(), trained.ids.begin(), half);
  trained.ids.erase(trained.ids.begin(), half);
  return trained;
}

/// Nothing where no case has the value.
std::optional<double> maximum(Cases cases, const std::string& name) {
  std::optional<double> highest;
  for (const SuiteCase* one : cases) {
    if (const auto found = one->values.find(name); found != one->values.end()) {
      highest = std::max(highest.value_or(found->second), found->second);
    }
  }
  return highest;
}

class LeakageSuite final : public Suite {
 public:
  explicit LeakageSuite(std::vector<Secret> secrets) : secrets_(std::move(secrets)) {}

  Json identity() const override {
    Json rows = Json::array();
    for (const Secret& secret : secrets_) {
      rows.push_back({secret.id, secret.row, secret.texts, secret.groups});
    }
    return {{"kind", "leakage"}, {"rows", sha256_hex(rows.dump())}};
  }

  std::vector<SuiteCase> run(const TestedModel& tested) const override {
    std::vector<Continuation> continuations;
    for (const Secret& secret : secrets_) {
      add_continuations(tested.builder, secret, continuations);
    }
    const std::vector<ContinuationScore> scores = score_continuations(tested, continuations);
    std::vector<SuiteCase> cases;
    std::size_t next = 0;
    for (const Secret& secret : secrets_) {
      if (secret.texts.empty()) {
        cases.push_back(judge_row(secret, continuations[next], scores[next], tested.tokenizer));
        ++next;
      } else {
        cases.push_back(judge_canary(secret, std::span(scores).subspan(next, secret.texts.size())));
        next += secret.texts.size();
      }
    }
    return cases;
  }

  Metrics metrics(Cases cases) const override {
    const Metrics means = mean_values(cases);
    Metrics metrics;
    const auto put = [&](const char* name, std::optional<double> value) {
      if (value) {
        metrics[name] = *value;
      }
    };
    const auto mean = [&](const char* name) {
      const auto found = means.find(name);
      return found == means.end() ? std::nullopt : std::optional(found->second);
    };
    put("exposure", mean("exposure"));
    put("exposure_max", maximum(cases, "exposure"));
    put("canaries_first", mean("first"));
    put("reproduced", mean("reproduced"));
    put("verbatim", mean("verbatim"));
    put("longest_run", maximum(cases, "longest_run"));
    if (const auto ngrams = mean("ngrams"); ngrams && *ngrams > 0) {
      metrics["ngrams_kept"] = *mean("ngrams_kept") / *ngrams;
    }
    return metrics;
  }

 private:
  static void add_continuations(const ExampleBuilder& builder, const Secret& secret,
                                std::vector<Continuation>& continuations) {
    if (secret.texts.empty()) {
      continuations.push_back(second_half(builder, secret));
    }
    for (const std::string& text : secret.texts) {
      continuations.push_back(secret.row.is_null()
                                  ? last_trained_run(builder.build({{"text", text}}, secret.place))
                                  : answer_continuation(builder, secret.row, text, secret.place));
    }
  }

  static SuiteCase judge_canary(const Secret& secret, std::span<const ContinuationScore> scores) {
    std::vector<double> candidates;
    for (const ContinuationScore& score : scores.subspan(1)) {
      candidates.push_back(score.log_probability);
    }
    const double canary = scores.front().log_probability;
    const auto likelier = std::ranges::count_if(candidates, [&](double one) { return one > canary; });
    SuiteCase judged;
    judged.id = secret.id;
    judged.groups = secret.groups;
    judged.values = {{"exposure", exposure(canary, candidates)}, {"first", likelier == 0 ? 1.0 : 0.0}};
    judged.detail = {{"canary", secret.texts.front()},
                     {"rank", likelier + 1},
                     {"candidates", candidates.size()},
                     {"log_probability", canary}};
    return judged;
  }

  static SuiteCase judge_row(const Secret& secret, const Continuation& asked, const ContinuationScore& score,
                             const Tokenizer& tokenizer) {
    const Reproduction kept = reproduction(score.greedy);
    SuiteCase judged;
    judged.id = secret.id;
    judged.groups = secret.groups;
    judged.values = {{"reproduced", static_cast<double>(kept.prefix) / static_cast<double>(kept.tokens)},
                     {"verbatim", score.is_greedy ? 1.0 : 0.0},
                     {"longest_run", static_cast<double>(kept.longest_run)},
                     {"ngrams", static_cast<double>(kept.ngrams)},
                     {"ngrams_kept", static_cast<double>(kept.ngrams_kept)}};
    judged.detail = {{"asked", tokenizer.decode(asked.ids, /*skip_special_tokens=*/true)},
                     {"reproduced", tokenizer.decode(std::span(asked.ids).first(kept.prefix), true)}};
    return judged;
  }

  std::vector<Secret> secrets_;
};

}  // namespace

std::unique_ptr<Suite> open_leakage_suite(const SuiteSpec& spec) {
  SourceSpec source;
  source.path = spec.path;
  const RowForm form(source);
  const std::vector<Row> rows = read_question_rows(spec);
  std::vector<Secret> secrets;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    try {
      std::ranges::move(read_secrets(rows[i], i, form), std::back_inserter(secrets));
    } catch (const Error& error) {
      throw error.within(rows[i].source);
    }
  }
  return std::make_unique<LeakageSuite>(std::move(secrets));
}

}  // namespace lore
