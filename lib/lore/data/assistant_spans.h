#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lore/data/rendered_chat.h"

namespace lore {

/// Where the assistant's messages number `wanted` (ascending) lie in the rendering, each from where the model
/// begins to speak up to and with its end-of-turn token. For templates without `{% generation %}`. A message
/// that says nothing and that the template leaves out has no range.
/// Throws: Error kInput, subject the message, where that cannot be told.
std::vector<ByteRange> find_assistant_spans(const RenderedChat& chat, std::span<const std::size_t> wanted);

/// The ranges that `{% generation %}` marks in the assistant's messages number `wanted`.
/// Throws: Error kInput when the marks cover nothing of them, or when it cannot be told whose a mark is and
/// other messages of the assistant are not wanted.
std::vector<ByteRange> find_marked_spans(const RenderedChat& chat, std::span<const std::size_t> wanted);

/// Which tokens lie in `ranges`: all that overlap one.
std::vector<std::uint8_t> tokens_within(std::span<const Token> tokens, std::span<const ByteRange> ranges);

/// Which tokens `{% generation %}` marks, by transformers' rule: from the token of the first character to
/// the first token of the last character.
std::vector<std::uint8_t> tokens_marked(std::span<const Token> tokens, std::span<const ByteRange> ranges);

}  // namespace lore
