#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lore/corpus/row.h"
#include "lore/eval/label_choice.h"

namespace lore {

/// A question that people answered with one of a few labels.
struct LabelledRow {
  std::string id;  ///< its `id`, else its place
  LabelPrompt prompt;
  std::optional<std::size_t> label;           ///< what people said
  std::map<std::string, std::string> groups;  ///< as read_groups
};

/// What all rows of a file say together.
struct LabelledRows {
  std::vector<std::string> labels;  ///< at least two
  std::optional<std::size_t> positive;
  std::optional<std::size_t> favorable;
  std::vector<std::string> swaps;  ///< as the first row that has `swaps` names them
  std::vector<LabelledRow> rows;
};

/// Reads `{"prompt": text}` or `{"messages": [...]}` with `label`. `labels` (the list a model chooses from;
/// by default all that people gave, in order of appearance), `positive`, `favorable` (one of them) and
/// `swaps` (a list of texts) stand in one row or in several that agree.
/// Throws: Error kInput, subject "file:line: COLUMN".
LabelledRows read_labelled_rows(std::span<const Row> rows);

/// `{"prompt": ...}` of a row's `prompt` or `messages`, with `tools` and `chat_template_kwargs` where it has
/// them. Throws: Error kInput, subject the column.
nlohmann::ordered_json read_prompt(const nlohmann::ordered_json& row);

/// The place in the prompt's row of the text that the last user says: `prompt` itself, or the `content` of
/// the last message of the user; null where there is none.
nlohmann::ordered_json* last_question(nlohmann::ordered_json& row);
/// That text, or null where there is none.
nlohmann::ordered_json question_of(const LabelledRow& row);

}  // namespace lore
