#include "lore/generate/generate_answers.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <functional>

#include "lore/core/error.h"
#include "lore/core/philox.h"
#include "support/catch.h"

namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::int64_t kVocabulary = 96;

/// Random weights of a small model with grouped heads and, in its second layer, a sliding window.
class RandomWeights final : public lore::WeightSource {
 public:
  RandomWeights() {
    config_.model_type = "llama";
    config_.vocab_size = kVocabulary;
    config_.hidden_size = 48;
    config_.intermediate_size = 64;
    config_.num_hidden_layers = 2;
    config_.num_attention_heads = 6;
    config_.num_key_value_heads = 2;
    config_.head_dim = 8;
    config_.max_position_embeddings = 256;
    config_.window = {0, 12};
  }

  const lore::LlamaConfig& config() const override { return config_; }
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const override {
    lore::PhiloxStream random(std::hash<std::string>()(name), 0);
    at::Tensor values = at::empty(shape, at::kFloat);
    std::generate_n(values.data_ptr<float>(), values.numel(),
                    [&] { return random.normal() * (shape.size() == 1 ? 1.0F : 0.3F); });
    return values.to(dtype);
  }
  void read_rows(const std::string&, at::IntArrayRef, std::int64_t, std::int64_t, float*) const override {}
  std::vector<std::string> unused(const std::vector<std::string>&) const override { return {}; }
  std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  lore::LlamaConfig config_;
};

const lore::LlamaForCausalLm& model() {
  static const lore::LlamaForCausalLm model(RandomWeights(), at::kFloat, at::kCPU);
  return model;
}

std::vector<Ids> random_prompts(std::size_t count) {
  lore::PhiloxStream random(5, 0);
  std::vector<Ids> prompts;
  for (std::size_t i = 0; i < count; ++i) {
    Ids& ids = prompts.emplace_back(1 + i * 7 % 40);
    std::generate(ids.begin(), ids.end(),
                  [&] { return static_cast<std::int32_t>(random.below(kVocabulary)); });
  }
  return prompts;
}

/// The likeliest token after `ids`, by a pass over all of them without a cache.
std::int32_t likeliest_after(const Ids& ids) {
  const lore::AdapterSet adapters;
  lore::Segments segments;
  segments.append(static_cast<std::int64_t>(ids.size()));
  const at::Tensor hidden = model().forward(ids, model().pass(segments, adapters));
  return static_cast<std::int32_t>(
      model().logits(hidden.narrow(0, hidden.size(0) - 1, 1), adapters).argmax().item<std::int64_t>());
}

std::vector<lore::Answer> answer(const std::vector<Ids>& prompts, const lore::GenerationSettings& settings,
                                 const lore::AnswerCallbacks& callbacks = {}) {
  return lore::generate_answers(model(), lore::AdapterSet(), prompts, settings, callbacks);
}

}  // namespace

TEST_CASE("greedy answers are the likeliest tokens of passes without a cache") {
  const std::vector<Ids> prompts = random_prompts(4);
  const std::vector<lore::Answer> answers = answer(prompts, {.max_new_tokens = 30});
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    Ids ids = prompts[i];
    for (const std::int32_t id : answers[i].ids) {
      REQUIRE(id == likeliest_after(ids));
      ids.push_back(id);
    }
    CHECK(answers[i].ids.size() == 30);
    CHECK(answers[i].finish_reason == lore::FinishReason::kLength);
  }
}

TEST_CASE("an answer is the same alone and in batches of any size, greedy or sampled") {
  const std::vector<Ids> prompts = random_prompts(9);
  const bool greedy = GENERATE(true, false);
  lore::GenerationSettings settings{.max_new_tokens = 20, .stop_ids = {1, 2, 3}};
  if (!greedy) {
    settings.sampling = {.temperature = 1.0, .top_p = 0.95, .repetition_penalty = 1.2, .seed = 3};
  }
  const std::vector<lore::Answer> together = answer(prompts, settings);
  settings.batch_tokens = 5;   // prompts go through in pieces
  settings.cache_tokens = 70;  // and wait for one another
  const std::vector<lore::Answer> squeezed = answer(prompts, settings);
  settings.cache_tokens = 1;
  const std::vector<lore::Answer> alone = answer(prompts, settings);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    CHECK(together[i].ids == alone[i].ids);
    CHECK(squeezed[i].ids == alone[i].ids);
    CHECK(together[i].finish_reason == alone[i].finish_reason);
  }
}

TEST_CASE("an answer ends before a stop token") {
  const std::vector<Ids> prompts = random_prompts(3);
  const std::vector<lore::Answer> whole = answer(prompts, {.max_new_tokens = 12});
  const std::int32_t stop = whole[1].ids[5];
  const std::vector<lore::Answer> answers = answer(prompts, {.max_new_tokens = 12, .stop_ids = {stop}});
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto end = std::find(whole[i].ids.begin(), whole[i].ids.end(), stop);
    CHECK(answers[i].ids == Ids(whole[i].ids.begin(), end));
    CHECK((answers[i].finish_reason == lore::FinishReason::kStop) == (end != whole[i].ids.end()));
  }
}

TEST_CASE("whoever hears of a token can end its answer or all of them") {
  const std::vector<Ids> prompts = random_prompts(3);
  const std::vector<lore::Answer> whole = answer(prompts, {.max_new_tokens = 12});
  std::vector<Ids> heard(prompts.size());
  std::vector<std::size_t> complete;
  const std::vector<lore::Answer> answers =
      answer(prompts, {.max_new_tokens = 12},
             {.on_token =
                  [&](std::size_t prompt, std::int32_t id) {
                    heard[prompt].push_back(id);
                    if (prompt == 0 && heard[prompt].size() == 4) {
                      return lore::AfterToken::kStop;
                    }
                    return heard[1].size() == 7 ? lore::AfterToken::kCancel : lore::AfterToken::kContinue;
                  },
              .on_answer =
                  [&](std::size_t prompt, const lore::Answer&) {
                    complete.push_back(prompt);
                    return true;
                  }});
  CHECK(answers[0].ids == Ids(whole[0].ids.begin(), whole[0].ids.begin() + 4));
  CHECK(answers[0].finish_reason == lore::FinishReason::kStop);
  CHECK(answers[1].ids == Ids(whole[1].ids.begin(), whole[1].ids.begin() + 7));
  CHECK(answers[1].finish_reason == lore::FinishReason::kCancelled);
  CHECK(answers[2].finish_reason == lore::FinishReason::kCancelled);
  CHECK(complete == std::vector<std::size_t>{0});
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    CHECK(heard[i] == answers[i].ids);
  }
}

TEST_CASE("no prompts have no answers, and an empty prompt is refused") {
  CHECK(answer({}, {}).empty());
  CHECK_THROWS_AS(answer({Ids{1}, Ids{}}, {}), lore::Error);
}
