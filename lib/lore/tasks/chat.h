#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lore/tasks/answering_model.h"
#include "lore/tasks/run_generate.h"

namespace lore {

/// A conversation with a model, which is told all of it each time.
class Chat {
 public:
  /// Throws: Error kUsage for a model without chat template or for two contestants; as load_answering_model.
  Chat(const AnsweringSpec& spec, const Environment& environment, Messages& messages);

  /// Answers `message`; `on_text` receives the answer as it comes. What there is of an answer that a signal
  /// interrupts stays in the conversation.
  /// Throws: Error kInput.
  GeneratedAnswer answer(const std::string& message, const std::function<void(std::string_view)>& on_text);

 private:
  const std::atomic<int>& signal_;
  Messages& messages_;
  AnsweringModel model_;
  nlohmann::ordered_json conversation_ = nlohmann::ordered_json::array();
  std::size_t answers_ = 0;
};

}  // namespace lore
