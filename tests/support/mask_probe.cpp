// Builds training examples for tests that compare with other implementations. Reads JSON objects, one a line:
// {"tokenizer", "template", "row", "now"}, the template a Jinja source or the name of one Lore brings along;
// writes {"ids", "trained"} or {"error"} for each, and flushes after each line.
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "lore/core/error.h"
#include "lore/data/example_builder.h"
#include "lore/text/tokenizer.h"

namespace {

using Json = nlohmann::ordered_json;

Json answer(const std::string& line) {
  static std::map<std::string, std::shared_ptr<const lore::Tokenizer>> tokenizers;
  const auto request = Json::parse(line);
  try {
    auto& tokenizer = tokenizers[request.at("tokenizer").get<std::string>()];
    if (!tokenizer) {
      tokenizer = lore::load_tokenizer(request.at("tokenizer").get<std::string>());
    }
    const auto source = request.at("template").get<std::string>();
    auto chat_template = lore::named_chat_template(source);
    if (!chat_template) {
      chat_template = lore::ChatTemplate::compile(source, "template");
    }
    lore::ExampleSettings settings;
    settings.now = request.value("now", std::string());
    const lore::ExampleBuilder builder(tokenizer, chat_template, settings);
    const lore::Example example = builder.build(request.at("row"), "row");
    return {{"ids", example.ids}, {"trained", example.trained}};
  } catch (const lore::Error& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(line).dump() << std::endl;
  }
}
