#pragma once

#include <memory>
#include <string>

#include "lore/corpus/byte_source.h"

namespace lore {

/// What gzip or zstd packed, told by the first bytes and never by a name; other bytes as they are.
/// Several members or frames one after another read as one; zeros after the last are padding. Memory stays
/// bounded whatever the bytes unpack to. Reading throws: Error kInput where the packed data is damaged, cut
/// short or followed by something else.
std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> bytes, const std::string& shown);

}  // namespace lore
