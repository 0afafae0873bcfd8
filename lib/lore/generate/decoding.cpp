#include "lore/generate/decoding.h"

#include <ATen/ops/argmax.h>

#include <algorithm>

#include "lore/core/error.h"

namespace lore {

std::vector<std::int32_t> decode_greedily(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                          std::span<const std::int32_t> prompt, const DecodingLimits& limits,
                                          const std::function<bool(std::int32_t)>& on_token) {
  if (prompt.empty()) {
    throw Error(ErrorKind::kUsage, "prompt", "is empty");
  }
  const auto prompt_length = static_cast<std::int64_t>(prompt.size());
  KvCache cache(model.config(), prompt_length + limits.max_new_tokens,
                at::TensorOptions(model.dtype()).device(model.device()));
  std::vector<std::int32_t> answer;
  std::vector<std::int32_t> input(prompt.begin(), prompt.end());
  while (static_cast<std::int64_t>(answer.size()) < limits.max_new_tokens) {
    Segments segments;
    segments.append(static_cast<std::int64_t>(input.size()), cache.length());
    const ForwardPass pass = model.pass(segments, adapters, {}, &cache);
    const at::Tensor hidden = model.forward(input, pass);
    const at::Tensor logits = model.logits(hidden.narrow(0, hidden.size(0) - 1, 1), adapters);
    const auto id = static_cast<std::int32_t>(at::argmax(logits).item<std::int64_t>());
    if (std::find(limits.stop_ids.begin(), limits.stop_ids.end(), id) != limits.stop_ids.end()) {
      break;
    }
    answer.push_back(id);
    if (!on_token(id)) {
      break;
    }
    input.assign(1, id);
  }
  return answer;
}

}  // namespace lore
