#include "lore/tasks/run_generate.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/generate/answer_text.h"

namespace lore {
namespace {

/// Brings answers that are made side by side into one order.
class AnswerOrder {
 public:
  AnswerOrder(std::vector<GeneratedAnswer> unanswered, const GenerateCallbacks& callbacks)
      : answers_(std::move(unanswered)), complete_(answers_.size()), callbacks_(callbacks) {}

  void add_text(std::size_t place, const std::string& text) {
    answers_[place].text += text;
    if (place == current_ && !text.empty()) {
      callbacks_.on_text(answers_[place], text);
    }
  }

  void complete(std::size_t place, const Answer& answer) {
    answers_[place].answer = answer;
    complete_[place] = true;
    while (current_ < answers_.size() && complete_[current_]) {
      callbacks_.on_answer(answers_[current_]);
      ++current_;
      if (current_ < answers_.size() && !answers_[current_].text.empty()) {
        callbacks_.on_text(answers_[current_], answers_[current_].text);
      }
    }
  }

 private:
  std::vector<GeneratedAnswer> answers_;
  std::vector<bool> complete_;
  const GenerateCallbacks& callbacks_;
  std::size_t current_ = 0;  ///< whose turn it is
};

/// What asks for an answer to `prompt`, as a row of training data would have it.
nlohmann::ordered_json row_of(const std::string& prompt, const std::string& system, bool chats) {
  if (!chats) {
    return {{"prompt", prompt}};
  }
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  if (!system.empty()) {
    messages.push_back({{"role", "system"}, {"content", system}});
  }
  messages.push_back({{"role", "user"}, {"content", prompt}});
  return {{"messages", messages}};
}

std::vector<std::vector<std::int32_t>> ids_of(const std::vector<std::string>& prompts,
                                              const AnsweringModel& model, const std::string& system,
                                              Messages& messages) {
  std::vector<std::vector<std::int32_t>> ids;
  for (const std::string& prompt : prompts) {
    ids.push_back(model.builder.build_prompt(row_of(prompt, system, model.chats)));
    warn_of_length(model, static_cast<std::int64_t>(ids.back().size()), messages);
  }
  return ids;
}

/// All prompts by the contestant of that index.
class ContestantRun {
 public:
  ContestantRun(const AnsweringModel& model, std::size_t contestant, std::size_t prompts, AnswerOrder& order,
                const GenerateCallbacks& callbacks)
      : model_(model),
        contestant_(contestant),
        texts_(prompts, AnswerText(model.tokenizer, model.stop)),
        order_(order),
        callbacks_(callbacks) {}

  void run(const std::vector<std::vector<std::int32_t>>& prompts, const std::atomic<int>& signal) {
    progress_ = {model_.contestants[contestant_].name, 0, prompts.size()};
    const auto start = std::chrono::steady_clock::now();
    generate_answers(
        *model_.base.model, model_.contestants[contestant_].adapters, prompts, model_.settings,
        {.on_token =
             [&](std::size_t prompt, std::int32_t id) {
               order_.add_text(place_of(prompt), texts_[prompt].push(id));
               ++progress_.tokens;
               progress_.seconds =
                   std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
               callbacks_.on_progress(progress_);
               if (signal != 0) {
                 return AfterToken::kCancel;
               }
               return texts_[prompt].stopped() ? AfterToken::kStop : AfterToken::kContinue;
             },
         .on_answer =
             [&](std::size_t prompt, const Answer& answer) {
               if (!texts_[prompt].stopped()) {
                 order_.add_text(place_of(prompt), texts_[prompt].finish());
               }
               ++progress_.answers;
               order_.complete(place_of(prompt), answer);
               return signal == 0;
             }});
  }

 private:
  std::size_t place_of(std::size_t prompt) const { return prompt * model_.contestants.size() + contestant_; }

  const AnsweringModel& model_;
  std::size_t contestant_;
  std::vector<AnswerText> texts_;
  AnswerOrder& order_;
  const GenerateCallbacks& callbacks_;
  GenerateProgress progress_;
};

}  // namespace

void run_generate(const AnsweringSpec& spec, const std::vector<std::string>& prompts,
                  const Environment& environment, Messages& messages, const GenerateCallbacks& callbacks) {
  const AnsweringModel model = load_answering_model(spec, environment, messages);
  const std::vector<std::vector<std::int32_t>> ids = ids_of(prompts, model, spec.system, messages);
  std::vector<GeneratedAnswer> unanswered;
  for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt) {
    for (const Contestant& contestant : model.contestants) {
      unanswered.push_back({prompt, contestant.name, "", static_cast<std::int64_t>(ids[prompt].size()), {}});
    }
  }
  AnswerOrder order(std::move(unanswered), callbacks);
  for (std::size_t contestant = 0; contestant < model.contestants.size() && *environment.signal == 0;
       ++contestant) {
    ContestantRun(model, contestant, prompts.size(), order, callbacks).run(ids, *environment.signal);
  }
}

}  // namespace lore
