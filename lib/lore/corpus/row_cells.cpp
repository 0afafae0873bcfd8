#include "lore/corpus/row_cells.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/json_text.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownKeys = 20;
constexpr std::size_t kShownKeyBytes = 40;

/// How many bytes of white space a text begins with: 0 where the first character is none.
std::size_t leading_space(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  if (static_cast<unsigned char>(text[0]) <= ' ') {
    return 1;
  }
  if (text.starts_with("\xC2\xA0")) {  // no-break space
    return 2;
  }
  // Ideographic space, zero width space, byte order mark.
  const bool wide = text.starts_with("\xE3\x80\x80") || text.starts_with("\xE2\x80\x8B") ||
                    text.starts_with("\xEF\xBB\xBF");
  return wide ? 3 : 0;
}

}  // namespace

const Json* find_cell(const Json& row, const std::string& name) {
  const auto entry = row.find(name);
  if (entry == row.end() || entry->is_null() ||
      (entry->is_string() && is_blank(entry->get_ref<const std::string&>()))) {
    return nullptr;
  }
  return &*entry;
}

const std::string& text_cell(const Json& row, const std::string& name) {
  const auto entry = row.find(name);
  if (entry == row.end() || entry->is_null()) {
    throw Error(ErrorKind::kInput, name, "is missing");
  }
  if (!entry->is_string()) {
    throw Error(ErrorKind::kInput, name, fmt::format("expected text, got {}", kind_of(*entry)));
  }
  const auto& text = entry->get_ref<const std::string&>();
  if (is_blank(text)) {
    throw Error(ErrorKind::kInput, name, "is empty");
  }
  return text;
}

std::optional<std::string> optional_text_cell(const Json& row, const std::string& name) {
  if (find_cell(row, name) == nullptr) {
    return {};
  }
  return text_cell(row, name);
}

Json structured_cell(const Json& value, const std::string& name) {
  if (!value.is_string()) {
    return value;
  }
  try {
    return parse_row_json(value.get_ref<const std::string&>());
  } catch (const Error& error) {
    throw error.within(name);
  }
}

std::string_view trimmed(std::string_view text) {
  for (std::size_t length = leading_space(text); length > 0; length = leading_space(text)) {
    text.remove_prefix(length);
  }
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = leading_space(text.substr(i));
    i += std::max<std::size_t>(length, 1);
    end = length > 0 ? end : i;
  }
  return text.substr(0, end);
}

bool is_blank(std::string_view text) {
  while (const std::size_t length = leading_space(text)) {
    text.remove_prefix(length);
  }
  return text.empty();
}

std::string listed_keys(const Json& row) {
  std::string keys;
  std::size_t shown = 0;
  for (const auto& [key, value] : row.items()) {
    if (++shown > kShownKeys) {
      return fmt::format("{} and {} more", keys, row.size() - kShownKeys);
    }
    keys += (keys.empty() ? "" : ", ") + printable(key, kShownKeyBytes);
  }
  return keys.empty() ? "none" : keys;
}

std::string_view kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "text";
    case Json::value_t::boolean:
      return "true or false";
    default:
      return "a number";
  }
}

}  // namespace lore
