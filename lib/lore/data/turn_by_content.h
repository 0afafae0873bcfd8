#pragma once

#include <cstddef>

#include "lore/data/rendered_chat.h"

namespace lore {

/// Where an assistant's message lies in a rendering, from where the model begins to speak up to and with its
/// end of turn, at `earliest` or behind it. For templates that do not loop over the messages.
///
/// Found by rendering the conversation up to the message, and with the message's content replaced by a
/// mark; both have to agree with the whole rendering, so a template that rewrites earlier turns is handled
/// as far as what it does can be told for certain.
/// Throws: Error kInput, subject the message, where it cannot.
ByteRange find_turn_by_content(const RenderedChat& chat, std::size_t message, std::size_t earliest);

}  // namespace lore
