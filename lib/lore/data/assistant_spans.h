#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lore/text/chat_template.h"
#include "lore/text/tokenizer.h"

namespace lore {

/// [begin, end) in bytes of a rendered conversation.
using ByteRange = std::pair<std::size_t, std::size_t>;

/// A conversation, what a chat template made of it, and the tokens of that.
struct RenderedChat {
  const ChatTemplate& chat_template;
  const RenderOptions& options;
  const nlohmann::ordered_json& messages;
  const Tokenizer& tokenizer;
  const std::string& text;
  std::span<const Token> tokens;
};

/// Where the assistant's messages from number `first` on lie in the rendering, each from where the model
/// begins to speak up to and with its end-of-turn token. For templates without `{% generation %}`.
///
/// Found by rendering the conversation up to each message, and with the message's content replaced by a
/// mark; both have to agree with the whole rendering, so a template that rewrites earlier turns is handled
/// as far as what it does can be told for certain.
/// Throws: Error kInput, subject the message, where it cannot.
std::vector<ByteRange> find_assistant_spans(const RenderedChat& chat, std::size_t first);

/// Which tokens lie in `ranges`: all that overlap one.
std::vector<std::uint8_t> tokens_within(std::span<const Token> tokens, std::span<const ByteRange> ranges);

/// Which tokens `{% generation %}` marks, by transformers' rule: from the token of the first character to
/// the first token of the last character.
std::vector<std::uint8_t> tokens_marked(std::span<const Token> tokens, std::span<const ByteRange> ranges);

}  // namespace lore
