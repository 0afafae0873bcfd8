#include "lore/eval/continuation.h"

#include "lore/core/error.h"
#include "lore/eval/token_ids.h"
#include "lore/kernels/label_scores.h"

namespace lore {

std::vector<ContinuationScore> score_continuations(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                                   std::span<const Continuation> continuations,
                                                   std::int64_t batch_tokens,
                                                   const std::function<bool(std::size_t)>& on_progress) {
  const auto length_of = [](const Continuation& one) {
    return static_cast<std::int64_t>(one.context.size() + one.ids.size());
  };
  for (const Continuation& one : continuations) {
    if (one.context.empty() || one.ids.empty()) {
      throw Error(ErrorKind::kInternal, "continuation", "has no context or no tokens");
    }
    check_token_ids(one.context, model.config());
    check_token_ids(one.ids, model.config());
  }
  std::vector<ContinuationScore> scores(continuations.size());
  for (std::size_t next = 0; next < continuations.size();) {
    const std::size_t first = next;
    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> labels;
    Segments segments;
    do {
      const Continuation& one = continuations[next++];
      ids.insert(ids.end(), one.context.begin(), one.context.end());
      ids.insert(ids.end(), one.ids.begin(), one.ids.end());
      labels.insert(labels.end(), one.context.size() - 1, kIgnoredLabel);
      labels.insert(labels.end(), one.ids.begin(), one.ids.end());
      labels.push_back(kIgnoredLabel);
      segments.append(length_of(one));
    } while (next < continuations.size() &&
             segments.tokens() + length_of(continuations[next]) <= batch_tokens);
    const ForwardPass pass = model.pass(segments, adapters);
    const std::vector<LabelScore> of_tokens = model.label_scores(model.forward(ids, pass), labels, pass);
    std::size_t token = 0;
    for (std::size_t i = first; i < next; ++i) {
      scores[i].is_greedy = true;
      for (std::size_t end = token + continuations[i].ids.size(); token < end; ++token) {
        scores[i].log_probability += of_tokens[token].log_probability;
        scores[i].is_greedy = scores[i].is_greedy && of_tokens[token].is_greedy;
        scores[i].greedy.push_back(of_tokens[token].is_greedy);
      }
    }
    if (!on_progress(next)) {
      break;
    }
  }
  return scores;
}

std::vector<ContinuationScore> score_continuations(const TestedModel& tested,
                                                   std::span<const Continuation> continuations,
                                                   double share) {
  return score_continuations(tested.model, tested.adapters, continuations, tested.batch_tokens,
                             [&](std::size_t done) {
                               return tested.on_progress(share * static_cast<double>(done) /
                                                         static_cast<double>(continuations.size()));
                             });
}

}  // namespace lore
