#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"

namespace lore {

/// What `lore generate` is asked to do.
struct GenerateRequest {
  ModelSpec model;
  std::string adapter;                 ///< folder, or empty for the base alone
  bool compare = false;                ///< answer each prompt with the base and then with the adapter
  std::string chat_template = "auto";  ///< auto | none | name | file
  std::string system;                  ///< system message, may be empty
  std::string date;                    ///< what the template takes for today, YYYY-MM-DD; empty: today
  std::vector<std::string> prompts;
  std::int64_t max_new_tokens = 128;
};

/// One answer to one prompt.
struct GeneratedAnswer {
  std::string prompt;
  std::string model;  ///< "base" or "adapter"
  std::string text;
  std::int64_t prompt_tokens = 0;
  std::int64_t new_tokens = 0;
  double seconds = 0;
};

/// Answers every prompt greedily; `on_answer` is called after each.
/// Throws: Error kInput, kUsage.
void run_generate(const GenerateRequest& request, const Environment& environment, Messages& messages,
                  const std::function<void(const GeneratedAnswer&)>& on_answer);

}  // namespace lore
