#include "lore/data/template_choice.h"

#include <fmt/format.h>

#include <vector>

#include "lore/core/calendar_date.h"
#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/suggestion.h"

namespace lore {

TemplateChoice choose_chat_template(const std::string& choice, const std::filesystem::path& model) {
  if (choice == "auto") {
    return {find_chat_template(model)};
  }
  if (choice == "none") {
    return {};
  }
  if (auto named = named_chat_template(choice)) {
    return {std::move(named), true, true};
  }
  if (std::filesystem::is_regular_file(choice)) {
    return {ChatTemplate::compile(std::string(MappedFile::open(choice)->text()), choice), true, false};
  }
  std::vector<std::string> names = {"auto", "none"};
  for (const std::string_view name : named_chat_templates()) {
    names.emplace_back(name);
  }
  std::string known;
  for (const std::string& name : names) {
    known += (known.empty() ? "" : ", ") + name;
  }
  throw Error(ErrorKind::kUsage, "data.template",
              fmt::format("'{}' is neither a template's name ({}) nor a file{}", choice, known,
                          did_you_mean(choice, names)));
}

std::string time_for_template(std::string_view date) {
  if (date.empty()) {
    return {};
  }
  const auto seconds = seconds_of_date(date);
  if (!seconds) {
    throw Error(ErrorKind::kUsage, "template date",
                fmt::format("'{}' is not a day written YYYY-MM-DD", date));
  }
  return std::to_string(*seconds);
}

}  // namespace lore
