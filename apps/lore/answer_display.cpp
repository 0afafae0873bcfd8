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
