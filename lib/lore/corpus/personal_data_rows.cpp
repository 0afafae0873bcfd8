#include <algorithm>
#include <array>

#include "lore/core/error.h"
#include "lore/corpus/json_text.h"
#include "lore/corpus/personal_data.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kSeenByModel = {"messages", "prompt", "completion",
                                     "text",     "tools",  "chat_template_kwargs"};
/// Keys of messages whose values say what a message is.
constexpr std::array<std::string_view, 4> kNotSaid = {"role", "type", "id", "tool_call_id"};

/// Counts what is found, and puts masks in its place where asked to.
class Walk {
 public:
  explicit Walk(bool masks) : masks_(masks) {}

  void row(Json& row) {
    for (const char* key : kSeenByModel) {
      if (const auto entry = row.find(key); entry != row.end()) {
        value(*entry, key, true);
      }
    }
  }

  const PersonalDataCounts& counts() const { return counts_; }

 private:
  void value(Json& json, std::string_view key, bool in_messages) {
    if (json.is_string()) {
      auto& said = json.get_ref<std::string&>();
      if (key != "arguments" || !arguments(said)) {
        text(said);
      }
    } else if (json.is_number_integer()) {
      number(json, key);
    } else if (json.is_array()) {
      for (Json& element : json) {
        value(element, key, in_messages);
      }
    } else if (json.is_object()) {
      for (auto& [name, member] : json.items()) {
        // Arguments of a call are the model's words whatever their names are.
        if (!in_messages || std::ranges::count(kNotSaid, name) == 0) {
          value(member, name, in_messages && name != "arguments");
        }
      }
    }
  }

  bool text(std::string& said) {
    const std::vector<PersonalDataSpan> spans = find_personal_data(said);
    for (const PersonalDataSpan& span : spans) {
      ++counts_.of_kind[static_cast<std::size_t>(span.kind)];
    }
    if (masks_) {
      for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
        said.replace(span->begin, span->end - span->begin, mask_of(span->kind));
      }
    }
    return !spans.empty();
  }

  /// A number with its key before it, which may say what it is.
  void number(Json& json, std::string_view key) {
    const std::string label = std::string(key) + ": ";
    const std::string all = label + json.dump();
    for (const PersonalDataSpan& span : find_personal_data(all)) {
      if (span.begin == label.size() && span.end == all.size()) {
        ++counts_.of_kind[static_cast<std::size_t>(span.kind)];
        if (masks_) {
          json = mask_of(span.kind);
        }
      }
    }
  }

  /// Arguments as JSON text stay JSON text. False where they are none.
  bool arguments(std::string& said) {
    Json parsed;
    try {
      parsed = parse_row_json(said);
    } catch (const Error&) {
      return false;
    }
    if (!parsed.is_object() && !parsed.is_array()) {
      return false;
    }
    const PersonalDataCounts before = counts_;
    value(parsed, "", false);
    if (masks_ && counts_ != before) {
      said = parsed.dump();
    }
    return true;
  }

  bool masks_;
  PersonalDataCounts counts_;
};

}  // namespace

PersonalDataCounts count_personal_data(const Json& row) {
  Walk walk(false);
  // Nothing is changed without masks.
  walk.row(const_cast<Json&>(row));
  return walk.counts();
}

PersonalDataCounts mask_personal_data(Json& row) {
  Walk walk(true);
  walk.row(row);
  return walk.counts();
}

}  // namespace lore
