#include "lore/eval/labelled_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/suggestion.h"
#include "lore/corpus/row_cells.h"
#include "lore/data/chat_rows.h"
#include "lore/eval/question_rows.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(std::string subject, std::string message) {
  throw Error(ErrorKind::kInput, std::move(subject), std::move(message));
}

/// A column that all rows share: the value of the first row that has it.
class SharedColumn {
 public:
  explicit SharedColumn(std::string name) : name_(std::move(name)) {}

  /// Throws where `row` says otherwise than the first.
  void look_at(const Json& row, const std::string& place) {
    const Json* cell = find_cell(row, name_);
    if (cell == nullptr) {
      return;
    }
    if (place_.empty()) {
      value_ = *cell;
      place_ = place;
    } else if (*cell != value_) {
      refuse(name_, fmt::format("is not what {} says; it holds for all rows, so say it once", place_));
    }
  }
  bool is_given() const { return !place_.empty(); }

  /// Throws where it is not a list of texts, each once.
  std::vector<std::string> texts() const {
    const Json list = is_given() ? structured_cell(value_, name_) : Json::array();
    std::vector<std::string> texts;
    for (const Json& one : list.is_array() ? list : Json::array({Json()})) {
      if (!one.is_string() || is_blank(one.get_ref<const std::string&>())) {
        fail("expected a list of texts, as [\"one\", \"two\"]");
      }
      if (std::ranges::count(texts, one.get<std::string>()) > 0) {
        fail(fmt::format("names {} twice", in_quotes(one.get<std::string>())));
      }
      texts.push_back(one.get<std::string>());
    }
    return texts;
  }
  /// The place of its text among `labels`; nothing where it is not given. Throws where it is none of them.
  std::optional<std::size_t> among(const std::vector<std::string>& labels) const {
    if (!is_given()) {
      return {};
    }
    const auto found =
        value_.is_string() ? std::ranges::find(labels, value_.get<std::string>()) : labels.end();
    if (found == labels.end()) {
      fail(fmt::format("is none of the labels: {}", fmt::join(labels, ", ")));
    }
    return static_cast<std::size_t>(found - labels.begin());
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { refuse(fmt::format("{}: {}", place_, name_), why); }

  std::string name_;
  std::string place_;
  Json value_;
};

/// The messages of a question. Throws where they end with an answer.
Json question_messages(const Json& cell) {
  Json messages = read_messages(structured_cell(cell, "messages"), "messages");
  if (messages.empty() || messages.back()["role"] == "assistant") {
    refuse("messages", "must end with a message of the user: the answer is what is asked for");
  }
  return messages;
}

LabelledRow read_row(const Row& row) {
  LabelledRow read;
  read.id = read_id(row.value, row.source);
  read.prompt = {read_prompt(row.value), row.source};
  read.groups = read_groups(row.value);
  return read;
}

}  // namespace

LabelledRows read_labelled_rows(std::span<const Row> rows) {
  LabelledRows all;
  SharedColumn labels("labels");
  SharedColumn positive("positive");
  SharedColumn favorable("favorable");
  SharedColumn swaps("swaps");
  std::vector<std::string> given;
  for (const Row& row : rows) {
    try {
      for (SharedColumn* column : {&labels, &positive, &favorable, &swaps}) {
        column->look_at(row.value, row.source);
      }
      all.rows.push_back(read_row(row));
      given.push_back(optional_text_cell(row.value, "label").value_or(""));
    } catch (const Error& error) {
      throw error.within(row.source);
    }
  }
  all.labels = labels.texts();
  if (!labels.is_given()) {
    for (const std::string& label : given) {
      if (!label.empty() && std::ranges::count(all.labels, label) == 0) {
        all.labels.push_back(label);
      }
    }
  }
  if (all.labels.size() < 2) {
    refuse(rows.empty() ? "labels" : rows.front().source + ": labels",
           "a model needs two or more to choose from");
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (given[i].empty()) {
      continue;
    }
    const auto found = std::ranges::find(all.labels, given[i]);
    if (found == all.labels.end()) {
      refuse(rows[i].source + ": label",
             fmt::format("{} is none of the labels: {}{}", in_quotes(given[i]), fmt::join(all.labels, ", "),
                         did_you_mean(given[i], all.labels)));
    }
    all.rows[i].label = static_cast<std::size_t>(found - all.labels.begin());
  }
  all.positive = positive.among(all.labels);
  all.favorable = favorable.among(all.labels);
  all.swaps = swaps.texts();
  return all;
}

Json read_prompt(const Json& row) {
  const bool chat = find_cell(row, "messages") != nullptr;
  if (chat == (find_cell(row, "prompt") != nullptr)) {
    refuse("row", chat ? "has 'messages' and also 'prompt': which is meant?"
                       : fmt::format("expected 'messages' or 'prompt'; its keys: {}", listed_keys(row)));
  }
  Json prompt{{"prompt", chat ? question_messages(row["messages"]) : Json(text_cell(row, "prompt"))}};
  for (const char* key : {"tools", "chat_template_kwargs"}) {
    if (const Json* cell = find_cell(row, key)) {
      prompt[key] = *cell;
    }
  }
  return prompt;
}

Json* last_question(Json& row) {
  Json& prompt = row["prompt"];
  if (prompt.is_string()) {
    return &prompt;
  }
  for (std::size_t i = prompt.size(); i-- > 0;) {
    if (prompt[i]["role"] == "user" && prompt[i]["content"].is_string()) {
      return &prompt[i]["content"];
    }
  }
  return nullptr;
}

Json question_of(const LabelledRow& row) {
  Json prompt = row.prompt.row;
  const Json* question = last_question(prompt);
  return question == nullptr ? Json() : *question;
}

}  // namespace lore
