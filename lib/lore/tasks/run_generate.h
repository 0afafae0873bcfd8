#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/tasks/answering_model.h"
#include "lore/tasks/environment.h"

namespace lore {

/// One answer to one prompt.
struct GeneratedAnswer {
  std::size_t prompt = 0;  ///< its place among the prompts
  std::string model;       ///< "base" or "adapter"
  std::string text;
  std::int64_t prompt_tokens = 0;
  Answer answer;
};

/// How far `lore generate` is.
struct GenerateProgress {
  std::string_view model;
  std::size_t answers = 0;  ///< complete, of this model
  std::size_t prompts = 0;
  std::int64_t tokens = 0;  ///< generated so far
  double seconds = 0;       ///< since the first prompt went in
};

/// Who hears of answers. They come one after another, by prompt and then by model, in spite of being made
/// side by side.
struct GenerateCallbacks {
  /// `text` was added to the answer whose turn it is.
  std::function<void(const GeneratedAnswer& so_far, std::string_view text)> on_text;
  std::function<void(const GeneratedAnswer& answer)> on_answer;
  std::function<void(const GenerateProgress& progress)> on_progress;
};

/// Answers every prompt with every contestant, in batches. Ends early, without the unfinished answers, when
/// the process is asked to stop. Throws: Error kInput, kUsage.
void run_generate(const AnsweringSpec& spec, const std::vector<std::string>& prompts,
                  const Environment& environment, Messages& messages, const GenerateCallbacks& callbacks);

}  // namespace lore
