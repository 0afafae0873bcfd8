#include "lore/tasks/case_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

#include "lore/data/visible_text.h"
#include "lore/tasks/html_table.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHighlights = "highlights";

/// A text that is marked wherever it stands.
struct Highlight {
  std::string text;
  std::string kind;
};

std::vector<Highlight> highlights_of(const Json& detail) {
  std::vector<Highlight> highlights;
  const auto found = detail.find(kHighlights);
  if (found == detail.end() || !found->is_array()) {
    return highlights;
  }
  for (const Json& one : *found) {
    if (one.is_object() && one.contains("text") && one["text"].is_string() && !one["text"].empty()) {
      const Json kind = one.value("kind", Json());
      highlights.push_back({one["text"].get<std::string>(), kind == "forbidden" ? "forbidden" : "right"});
    }
  }
  std::erase_if(highlights, [](const Highlight& highlight) { return highlight.text.empty(); });
  std::stable_sort(highlights.begin(), highlights.end(),
                   [](const Highlight& a, const Highlight& b) { return a.text.size() > b.text.size(); });
  return highlights;
}

bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// Whether `wanted` stands at `place` of `text`, in whatever case, and not inside an English word.
bool stands_at(std::string_view text, std::size_t place, std::string_view wanted) {
  if (text.size() - place < wanted.size()) {
    return false;
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(text[place + i])) !=
        std::tolower(static_cast<unsigned char>(wanted[i]))) {
      return false;
    }
  }
  const std::size_t end = place + wanted.size();
  const bool begins_inside =
      place > 0 && is_word_character(text[place - 1]) && is_word_character(text[place]);
  const bool ends_inside =
      end < text.size() && is_word_character(text[end - 1]) && is_word_character(text[end]);
  return !begins_inside && !ends_inside;
}

std::string marked(std::string_view text, const std::vector<Highlight>& highlights) {
  std::string html;
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto found = std::find_if(highlights.begin(), highlights.end(),
                                    [&](const Highlight& one) { return stands_at(text, i, one.text); });
    if (found == highlights.end()) {
      ++i;
      continue;
    }
    html += html_text(text.substr(plain, i - plain));
    html += fmt::format("<mark class=\"{}\">{}</mark>", found->kind,
                        html_text(text.substr(i, found->text.size())));
    i += found->text.size();
    plain = i;
  }
  return html + html_text(text.substr(plain));
}

bool is_weighted_text(const Json& value) {
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), [](const Json& piece) {
           return piece.is_object() && piece.size() == 2 && piece.contains("text") &&
                  piece["text"].is_string() && piece.contains("weight") && piece["weight"].is_number();
         });
}

std::string weighted_html(const Json& pieces) {
  std::string html = "<div class=\"text\">";
  for (const Json& piece : pieces) {
    const double weight = std::clamp(piece["weight"].get<double>(), -1.0, 1.0);
    html += fmt::format("<span class=\"{}\" style=\"--weight:{:.0f}%\" title=\"{:+.3g}\">{}</span>",
                        weight < 0 ? "against" : "for", 100 * (weight < 0 ? -weight : weight),
                        piece["weight"].get<double>(), html_text(piece["text"].get<std::string>()));
  }
  return html + "</div>";
}

std::string value_html(const Json& value, const std::vector<Highlight>& highlights);

std::string object_html(const Json& object, const std::vector<Highlight>& highlights) {
  std::string html = "<dl>";
  for (const auto& [name, value] : object.items()) {
    if (name != kHighlights) {
      html += fmt::format("<dt>{}</dt><dd>{}</dd>", html_text(name), value_html(value, highlights));
    }
  }
  return html + "</dl>";
}

std::string value_html(const Json& value, const std::vector<Highlight>& highlights) {
  if (value.is_string()) {
    return fmt::format("<div class=\"text\">{}</div>", marked(value.get<std::string>(), highlights));
  }
  if (value.is_number()) {
    return number_text(value.get<double>());
  }
  if (value.is_boolean()) {
    return value.get<bool>() ? "yes" : "no";
  }
  if (value.is_null()) {
    return "–";
  }
  if (value.is_object()) {
    return object_html(value, highlights);
  }
  if (is_weighted_text(value)) {
    return weighted_html(value);
  }
  if (value.is_array()) {
    std::string html = "<ul>";
    for (const Json& item : value) {
      html += fmt::format("<li>{}</li>", value_html(item, highlights));
    }
    return html + "</ul>";
  }
  return html_text(value.dump());
}

/// The fields that both details have with the same value, and what is left of each.
struct SplitDetail {
  Json shared = Json::object();
  Json base = Json::object();
  Json adapted = Json::object();
};

SplitDetail split(const Json& base, const Json& adapted) {
  SplitDetail result;
  Json highlights = Json::array();
  for (const auto& [detail, own] : {std::pair{&base, &result.base}, std::pair{&adapted, &result.adapted}}) {
    for (const auto& [name, value] : detail->items()) {
      const bool is_shared = name != kHighlights && base.value(name, Json()) == adapted.value(name, Json());
      (is_shared ? result.shared : *own)[name] = value;
    }
    if (const Json marks = detail->value(kHighlights, Json()); marks.is_array()) {
      highlights.insert(highlights.end(), marks.begin(), marks.end());
    }
  }
  result.shared[kHighlights] = std::move(highlights);
  return result;
}

bool shows_anything(const Json& detail) { return detail.size() > (detail.contains(kHighlights) ? 1U : 0U); }

std::string values_html(const SuiteCase& base, const SuiteCase* adapted) {
  std::string html;
  for (const auto& [name, value] : (adapted != nullptr ? *adapted : base).values) {
    const auto before = base.values.find(name);
    const bool compares = adapted != nullptr && before != base.values.end();
    html += fmt::format("<span>{} <b>{}{}</b></span>", html_text(name),
                        compares ? number_text(before->second) + " → " : "", number_text(value));
  }
  return html.empty() ? "" : "<p class=\"values\">" + html + "</p>";
}

}  // namespace

std::string detail_html(const Json& detail) {
  if (!detail.is_object()) {
    return value_html(detail, {});
  }
  return object_html(detail, highlights_of(detail));
}

std::string case_html(const SuiteCase& base, const SuiteCase* adapted, const std::string& anchor) {
  std::string groups;
  for (const auto& [grouping, group] : base.groups) {
    groups += fmt::format("<small>{}: {}</small>", html_text(grouping), html_text(group));
  }
  std::string html = fmt::format("<article id=\"{}\"><h3>{}{}</h3>\n", anchor, html_text(base.id), groups);
  if (adapted == nullptr || !base.detail.is_object() || !adapted->detail.is_object()) {
    html += detail_html(base.detail);
    html += adapted != nullptr && adapted->detail != base.detail ? detail_html(adapted->detail) : "";
  } else {
    const SplitDetail detail = split(base.detail, adapted->detail);
    html += shows_anything(detail.shared) ? detail_html(detail.shared) : "";
    if (shows_anything(detail.base) || shows_anything(detail.adapted)) {
      html +=
          fmt::format("<div class=\"sides\"><div><h4>base</h4>{}</div><div><h4>adapter</h4>{}</div></div>\n",
                      detail_html(detail.base), detail_html(detail.adapted));
    }
  }
  return html + values_html(base, adapted) + "</article>\n";
}

}  // namespace lore
