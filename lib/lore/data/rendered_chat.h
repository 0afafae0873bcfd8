#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lore/text/chat_template.h"
#include "lore/text/tokenizer.h"

namespace lore {

/// [begin, end) in bytes of a rendered conversation.
using ByteRange = std::pair<std::size_t, std::size_t>;

/// White space that templates put between turns.
inline constexpr std::string_view kBlank = " \t\r\n";

/// A conversation, what a chat template made of it, and the tokens of that.
struct RenderedChat {
  const ChatTemplate& chat_template;
  const RenderOptions& options;
  const nlohmann::ordered_json& messages;
  const Tokenizer& tokenizer;
  const Rendered& rendered;
  std::span<const Token> tokens;
};

/// The same conversation with other messages; nothing when the template refuses them.
std::optional<Rendered> render_again(const RenderedChat& chat, const nlohmann::ordered_json& messages,
                                     bool add_generation_prompt);

/// The first `count` messages of the conversation, rendered again.
std::optional<Rendered> render_first(const RenderedChat& chat, std::size_t count, bool add_generation_prompt);

/// Characters of private use that the rendering does not hold: no template treats them, no trimming takes
/// them away, so they show where a content went.
std::string unused_mark(const RenderedChat& chat);

/// Whether a token is one that may end a turn: a special one, EOS, or one spelled `<|...|>`.
bool may_end_turn(const RenderedChat& chat, const Token& token);

/// The end of the token behind `position` and white space, if that may end a turn and is not a BOS: templates
/// without an end of turn of their own let the next turn's opening do that.
std::optional<std::size_t> end_behind(const RenderedChat& chat, std::size_t position);

/// Throws: Error kInput, subject the message: the rendering does not show `what` of it. Names the template
/// and its line, as far as that is known, and says what to do.
[[noreturn]] void fail_turn(const RenderedChat& chat, std::size_t message, std::string_view what);
/// `fail_turn` for a turn that nothing ends.
[[noreturn]] void fail_no_end(const RenderedChat& chat, std::size_t message);

}  // namespace lore
