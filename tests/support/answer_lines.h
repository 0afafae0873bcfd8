#pragma once

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "lore/core/error.h"
#include "lore/text/chat_template.h"

/// The template a request names: one that Lore brings along, or the source of one.
inline lore::ChatTemplate template_of(const nlohmann::ordered_json& request) {
  const auto source = request.at("template").get<std::string>();
  auto named = lore::named_chat_template(source);
  return named ? *named : lore::ChatTemplate::compile(source, "template");
}

/// Answers each line of standard input, a JSON request, by a line on standard output; an error is
/// {"error": text}.
template <class Answer>
void answer_lines(const Answer& answer) {
  for (std::string line; std::getline(std::cin, line);) {
    nlohmann::ordered_json result;
    try {
      result = answer(nlohmann::ordered_json::parse(line));
    } catch (const lore::Error& error) {
      result = {{"error", error.what()}};
    }
    std::cout << result.dump() << std::endl;
  }
}
