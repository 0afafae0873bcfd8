#include "lore/tasks/chat.h"

#include "lore/core/error.h"
#include "lore/generate/answer_text.h"

namespace lore {

Chat::Chat(const AnsweringSpec& spec, const Environment& environment, Messages& messages)
    : signal_(*environment.signal),
      messages_(messages),
      model_(load_answering_model(spec, environment, messages)) {
  if (!model_.chats) {
    throw Error(ErrorKind::kUsage, "chat", "the model has no chat template; name one that fits it");
  }
  if (model_.contestants.size() != 1) {
    throw Error(ErrorKind::kUsage, "chat", "goes on from one answer: base and adapter cannot both give it");
  }
  if (!spec.system.empty()) {
    conversation_.push_back({{"role", "system"}, {"content", spec.system}});
  }
}

GeneratedAnswer Chat::answer(const std::string& message,
                             const std::function<void(std::string_view)>& on_text) {
  conversation_.push_back({{"role", "user"}, {"content", message}});
  const std::vector<std::int32_t> ids = model_.builder.build_prompt({{"messages", conversation_}});
  warn_of_length(model_, static_cast<std::int64_t>(ids.size()), messages_);
  const Contestant& contestant = model_.contestants.front();
  GeneratedAnswer result{answers_, contestant.name, "", static_cast<std::int64_t>(ids.size()), {}};
  AnswerText text(model_.tokenizer, model_.stop);
  const auto add = [&](const std::string& piece) {
    result.text += piece;
    on_text(piece);
  };
  // Each answer of a conversation draws random numbers of its own.
  GenerationSettings settings = model_.settings;
  settings.sampling.seed += answers_;
  result.answer = generate_answers(*model_.base.model, contestant.adapters, {&ids, 1}, settings,
                                   {.on_token =
                                        [&](std::size_t, std::int32_t id) {
                                          add(text.push(id));
                                          if (signal_ != 0) {
                                            return AfterToken::kCancel;
                                          }
                                          return text.stopped() ? AfterToken::kStop : AfterToken::kContinue;
                                        }})
                      .front();
  if (!text.stopped()) {
    add(text.finish());
  }
  conversation_.push_back({{"role", "assistant"}, {"content", result.text}});
  ++answers_;
  return result;
}

}  // namespace lore
