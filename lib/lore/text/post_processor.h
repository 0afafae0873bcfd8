#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lore/text/tokenizer.h"

namespace lore {

/// What is done with a text's tokens last, as in tokenizer.json's `post_processor`: special tokens put around
/// them, and white space taken off their offsets.
class PostProcessor {
 public:
  /// Gives the spelling of an id.
  template <typename Spelling>
  void apply(std::vector<Token>& tokens, std::string_view text, bool add_special_tokens,
             Spelling spelling) const {
    for (const Step& step : steps_) {
      if (step.add_prefix_space) {
        for (std::size_t i = 0; i < tokens.size(); ++i) {
          trim(tokens[i], text, i == 0, *step.add_prefix_space, spelling(tokens[i].id));
        }
      } else {
        put_around(tokens, step, add_special_tokens);
      }
    }
  }

  /// Adds a TemplateProcessing that puts the given tokens before and after the text.
  void add_template(std::vector<std::int32_t> before, std::vector<std::int32_t> after);
  /// Adds what a description says: TemplateProcessing, ByteLevel or a Sequence of them; nothing for a JSON
  /// null. Throws: Error kInput for another type or a wrong field.
  void add(const nlohmann::json& description, const std::string& subject);

 private:
  struct Step {
    std::optional<bool> add_prefix_space;  // set: ByteLevel with trim_offsets; else a template:
    std::vector<std::int32_t> before;
    std::vector<std::int32_t> after;
  };

  static void trim(Token& token, std::string_view text, bool first, bool add_prefix_space,
                   std::string_view spelling);
  static void put_around(std::vector<Token>& tokens, const Step& step, bool add_special_tokens);

  std::vector<Step> steps_;
};

}  // namespace lore
