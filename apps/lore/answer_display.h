#pragma once

#include <optional>

#include "console.h"
#include "lore/tasks/answer_times.h"
#include "lore/tasks/run_generate.h"

/// Shows answers: as they come, whole, or as JSON.
class AnswerDisplay {
 public:
  /// With `streams`, text is shown as it comes; with `names_models`, each answer begins with its model's
  /// name.
  AnswerDisplay(Console& console, bool streams, bool names_models)
      : console_(console), streams_(streams), names_models_(names_models) {}

  /// More text of an answer.
  void text(const lore::GeneratedAnswer& so_far, const std::string& prompt, std::string_view text);
  /// An answer is complete.
  void answer(const lore::GeneratedAnswer& answer, const std::string& prompt);
  /// How long the tokens of a model's answers took, and whether that was within `budget` seconds where there
  /// is one.
  void latency(const std::string& model, const lore::AnswerLatency& latency, std::optional<double> budget);
  /// Shows each prompt above its answers. Not in a chat, where it stands there already.
  void show_prompts() { shows_prompts_ = true; }

 private:
  void begin(const lore::GeneratedAnswer& answer, const std::string& prompt);

  Console& console_;
  bool streams_;
  bool names_models_;
  bool shows_prompts_ = false;
  bool has_begun_ = false;  ///< whether some of the current answer is shown
};
