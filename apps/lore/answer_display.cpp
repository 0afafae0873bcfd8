#include "answer_display.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace {

nlohmann::ordered_json json_of(const lore::GeneratedAnswer& given, const std::string& prompt) {
  const lore::Answer& answer = given.answer;
  const auto tokens = static_cast<std::int64_t>(answer.ids.size());
  return {{"prompt", prompt},
          {"model", given.model},
          {"text", given.text},
          {"prompt_tokens", given.prompt_tokens},
          {"new_tokens", tokens},
          {"finish_reason", lore::name_of(answer.finish_reason)},
          {"first_token_seconds", answer.first_token_seconds},
          {"seconds", answer.seconds},
          {"tokens_per_second", answer.seconds > 0 ? static_cast<double>(tokens) / answer.seconds : 0.0}};
}

nlohmann::ordered_json json_of(const lore::TimePercentiles& times) {
  return {{"p50", times.p50}, {"p95", times.p95}, {"p99", times.p99}};
}

std::string text_of(const lore::TimePercentiles& times) {
  return fmt::format("p50 {:.1f} ms, p95 {:.1f} ms, p99 {:.1f} ms", 1000 * times.p50, 1000 * times.p95,
                     1000 * times.p99);
}

}  // namespace

void AnswerDisplay::begin(const lore::GeneratedAnswer& answer, const std::string& prompt) {
  if (has_begun_) {
    return;
  }
  has_begun_ = true;
  const bool is_first_model = answer.model == "base" || !names_models_;
  if (shows_prompts_ && is_first_model) {
    console_.stream(fmt::format("\n> {}\n", prompt));
  }
  if (names_models_) {
    console_.stream(fmt::format("  {:<8} ", answer.model));
  }
}

void AnswerDisplay::text(const lore::GeneratedAnswer& so_far, const std::string& prompt,
                         std::string_view text) {
  if (streams_) {
    begin(so_far, prompt);
    console_.stream(text);
  }
}

void AnswerDisplay::answer(const lore::GeneratedAnswer& answer, const std::string& prompt) {
  if (console_.json()) {
    console_.result(json_of(answer, prompt).dump());
    return;
  }
  begin(answer, prompt);
  console_.result(streams_ ? "" : answer.text);
  has_begun_ = false;
}

void AnswerDisplay::latency(const std::string& model, const lore::AnswerLatency& latency,
                            std::optional<double> budget) {
  const lore::TimePercentiles first = latency.to_first_token();
  const std::optional<lore::TimePercentiles> each = latency.per_token();
  if (console_.json()) {
    nlohmann::ordered_json report{{"model", model},
                                  {"answers", latency.answers()},
                                  {"tokens", latency.tokens()},
                                  {"to_first_token_seconds", json_of(first)},
                                  {"per_token_seconds", each ? json_of(*each) : nullptr}};
    if (budget) {
      report["budget_seconds"] = *budget;
      report["passed"] = latency.keeps(*budget);
    }
    console_.result(nlohmann::ordered_json{{"latency", report}}.dump());
    return;
  }
  console_.result(
      fmt::format("\nlatency of {}: {} answers, {} tokens", model, latency.answers(), latency.tokens()));
  console_.result(fmt::format("  to the first token  {}", text_of(first)));
  if (each) {
    console_.result(fmt::format("  from token to token {} ({:.0f} tokens/s in each answer)", text_of(*each),
                                1 / each->p50));
  }
  if (budget) {
    console_.result(fmt::format("  {}  p95 within {:g} ms", latency.keeps(*budget) ? "passed" : "FAILED",
                                1000 * *budget));
  }
}
