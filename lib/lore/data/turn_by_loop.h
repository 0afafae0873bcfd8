#pragma once

#include <cstddef>
#include <optional>

#include "lore/data/rendered_chat.h"

namespace lore {

/// Where an assistant's message lies in a rendering, from where the model begins to speak up to and with its
/// end of turn, by what the template's loop over the messages wrote when it stood at that message.
///
/// - It begins where the rendering of the messages before it, with the generation prompt, ends; where the
///   template renders those otherwise without it, behind the same opening that stands there.
/// - It ends with the last special token of what the loop wrote, white space behind it aside; where that does
///   not end with one, with the special token that comes next.
/// - Nothing that others say may lie between: shown by another rendering in which that is replaced.
///
/// `marked` is the conversation with what others say replaced: see render_others_marked.
/// Nothing when the template has no loop that wrote the message.
/// Throws: Error kInput when one of these cannot be told.
std::optional<ByteRange> find_turn_by_loop(const RenderedChat& chat, std::size_t message,
                                           const std::optional<Rendered>& marked);

/// The conversation rendered with everything that is not the assistant's replaced by `unused_mark`; nothing
/// when the template refuses that.
std::optional<Rendered> render_others_marked(const RenderedChat& chat);

}  // namespace lore
