#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "lore/text/chat_template.h"

namespace lore {

/// The chat template that a recipe's `data.template` asks for.
struct TemplateChoice {
  std::optional<ChatTemplate> chat_template;
  /// True when a name or a file was given: rows of prompt and completion text are then rendered too.
  bool for_text_pairs = false;
  /// True for a template that Lore brings along.
  bool named = false;
};

/// `choice` is `auto` (the model's own, if any), `none`, one of `named_chat_templates`, or the path of
/// a Jinja file (already resolved against the recipe's folder).
/// Throws: Error kUsage for a name that is neither known nor a file; kInput for a bad template.
TemplateChoice choose_chat_template(const std::string& choice, const std::filesystem::path& model);

/// RenderOptions::now for a day written `YYYY-MM-DD`; empty for none.
/// Throws: Error kUsage for what is not a day.
std::string time_for_template(std::string_view date);

}  // namespace lore
