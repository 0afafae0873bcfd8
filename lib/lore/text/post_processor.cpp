#include "lore/text/post_processor.h"

#include <fmt/format.h>

#include <utility>

#include "lore/core/utf8.h"
#include "lore/text/byte_alphabet.h"
#include "lore/text/json_fields.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

struct OuterSpaces {
  std::size_t leading = 0;
  std::size_t trailing = 0;
};

OuterSpaces outer_spaces(std::string_view spelling) {
  char32_t space = byte_character(' ');
  OuterSpaces spaces;
  bool only_spaces = true;
  for (std::size_t i = 0; i < spelling.size();) {
    char32_t c = next_character(spelling, i);
    if (c == space || is_whitespace(c)) {
      ++spaces.trailing;
      if (only_spaces) ++spaces.leading;
    } else {
      spaces.trailing = 0;
      only_spaces = false;
    }
  }
  return spaces;
}

}  // namespace

void PostProcessor::trim(Token& token, std::string_view text, bool first, bool add_prefix_space,
                         std::string_view spelling) {
  OuterSpaces spaces = outer_spaces(spelling);
  if (spaces.leading == 1 && add_prefix_space && (first || token.begin == 0)) spaces.leading = 0;
  for (; spaces.leading > 0 && token.begin < token.end; --spaces.leading) next_character(text, token.begin);
  for (; spaces.trailing > 0 && token.end > token.begin; --spaces.trailing) {
    do {
      --token.end;
    } while (token.end > token.begin && is_utf8_continuation(text[token.end]));
  }
}

void PostProcessor::put_around(std::vector<Token>& tokens, const Step& step, bool add_special_tokens) {
  if (!add_special_tokens) return;
  std::vector<Token> before;
  for (std::int32_t id : step.before) before.push_back({id, 0, 0});
  tokens.insert(tokens.begin(), before.begin(), before.end());
  for (std::int32_t id : step.after) tokens.push_back({id, 0, 0});
}

void PostProcessor::add_template(std::vector<std::int32_t> before, std::vector<std::int32_t> after) {
  steps_.push_back({std::nullopt, std::move(before), std::move(after)});
}

void PostProcessor::add(const nlohmann::json& description, const std::string& subject) {
  if (description.is_null()) return;
  JsonFields fields(description, subject);
  std::string type = fields.text("type");
  if (type == "Sequence") {
    const nlohmann::json& list = fields.array("processors");
    for (std::size_t i = 0; i < list.size(); ++i) add(list[i], fmt::format("{}.processors[{}]", subject, i));
    return;
  }
  if (type == "ByteLevel") {
    if (fields.boolean("trim_offsets")) steps_.push_back({fields.boolean("add_prefix_space"), {}, {}});
    return;
  }
  if (type != "TemplateProcessing") {
    fields.refuse(fmt::format("the post-processor \"{}\" is not supported", type));
  }
  JsonFields specials(fields.at("special_tokens"), subject + ".special_tokens");
  Step step;
  bool text_seen = false;
  for (const nlohmann::json& piece : fields.array("single")) {
    JsonFields parts(piece, subject + ".single");
    if (const nlohmann::json* sequence = parts.find("Sequence")) {
      if (text_seen || JsonFields(*sequence, parts.subject()).text("id") != "A") {
        fields.refuse("\"single\" must hold the sequence A once");
      }
      text_seen = true;
      continue;
    }
    std::string id = JsonFields(parts.at("SpecialToken"), parts.subject()).text("id");
    JsonFields special(specials.at(id), specials.subject());
    for (const nlohmann::json& value : special.array("ids")) {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > INT32_MAX)
        special.refuse("\"ids\" must be ids");
      (text_seen ? step.after : step.before).push_back(value.get<std::int32_t>());
    }
  }
  if (!text_seen) fields.refuse("\"single\" must hold the sequence A once");
  steps_.push_back(std::move(step));
}

}  // namespace lore
