#include "lore/tasks/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

namespace lore {
namespace {

/// All sources taken together; bytes and words are known where every source is a text.
LanguageScore total(const std::vector<SourceScore>& sources, bool adapted) {
  LanguageScore sum;
  bool all_texts = true;
  for (const SourceScore& source : sources) {
    sum += adapted ? *source.adapted : source.base;
    all_texts = all_texts && source.is_text;
  }
  if (!all_texts) {
    sum.bytes = sum.words = 0;
  }
  return sum;
}

}  // namespace

bool Evaluation::passed() const {
  return std::all_of(gates.begin(), gates.end(), [](const GateResult& gate) { return gate.passed; });
}

Metrics language_metrics(const LanguageScore& score) {
  Metrics metrics;
  const auto put = [&](const char* name, std::optional<double> value) {
    if (value) {
      metrics[name] = *value;
    }
  };
  put("loss", score.loss());
  put("perplexity", score.perplexity());
  put("byte_perplexity", score.byte_perplexity());
  put("word_perplexity", score.word_perplexity());
  return metrics;
}

Comparison all_numbers(const std::vector<SourceScore>& sources, const std::vector<SuiteResult>& suites) {
  Comparison all;
  if (!sources.empty()) {
    const bool compares = sources.front().adapted.has_value();
    all.metrics = language_metrics(total(sources, compares));
    if (compares) {
      all.base = language_metrics(total(sources, false));
      all.delta = difference(all.metrics, all.base);
    }
  }
  for (const SuiteResult& suite : suites) {
    const auto put = [&](Metrics& into, const Metrics& metrics) {
      for (const auto& [name, value] : metrics) {
        into[fmt::format("{}.{}", suite.name, name)] = value;
      }
    };
    put(all.metrics, suite.numbers.metrics);
    put(all.base, suite.numbers.base);
    put(all.delta, suite.numbers.delta);
  }
  return all;
}

}  // namespace lore
