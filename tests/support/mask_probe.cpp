// Builds training examples for tests that compare with other implementations. Reads JSON objects, one a line:
// {"tokenizer", "template", "row", "now"}, the template a Jinja source or the name of one Lore brings along;
// writes {"ids", "trained"} or {"error"} for each, and flushes after each line.
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "answer_lines.h"
#include "lore/data/example_builder.h"
#include "lore/text/tokenizer.h"

int main() {
  std::map<std::string, std::shared_ptr<const lore::Tokenizer>> tokenizers;
  answer_lines([&](const nlohmann::ordered_json& request) -> nlohmann::ordered_json {
    auto& tokenizer = tokenizers[request.at("tokenizer").get<std::string>()];
    if (!tokenizer) {
      tokenizer = lore::load_tokenizer(request.at("tokenizer").get<std::string>());
    }
    lore::ExampleSettings settings;
    settings.now = request.value("now", std::string());
    const lore::ExampleBuilder builder(tokenizer, template_of(request), settings);
    const lore::Example example = builder.build(request.at("row"), "row");
    return {{"ids", example.ids}, {"trained", example.trained}};
  });
}
