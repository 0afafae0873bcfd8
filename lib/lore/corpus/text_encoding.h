#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "lore/corpus/byte_source.h"

namespace lore {

enum class TextEncoding { kUtf8, kUtf16Le, kUtf16Be, kGb18030 };

/// As messages name it: "UTF-8", "UTF-16LE", ...
std::string_view encoding_name(TextEncoding encoding);

/// How the text of a file is written.
struct DetectedEncoding {
  TextEncoding encoding = TextEncoding::kUtf8;
  std::size_t mark_size = 0;  ///< bytes of the byte order mark
};

/// The encoding of a file that begins with `sample`; `is_whole` where that is all of it. `declared` is a
/// choice of the recipe's `encoding`. `auto` believes a byte order mark; then takes UTF-8 where the bytes are
/// well-formed, or damaged UTF-8 at least for the most part; then UTF-16 where one byte order alone makes
/// sense of the bytes; then GB18030 where all bytes are valid and the characters are those that Chinese text
/// is made of.
/// Throws: Error kInput with subject `shown` where several or none of them fit, and where a byte order mark
/// contradicts what is declared.
DetectedEncoding detect_encoding(std::string_view sample, bool is_whole, const std::string& declared,
                                 const std::string& shown);

/// The same text in UTF-8. UTF-8 comes as it is, well-formed or not; in the others each byte that cannot be
/// decoded becomes 0xFF, which is never UTF-8: who reads the text finds it at its place.
/// Throws: Error kResources where the system's C library does not know the encoding.
std::unique_ptr<ByteSource> as_utf8(std::unique_ptr<ByteSource> bytes, TextEncoding encoding);

/// What makes `text` no text of a row: a NUL or a byte that could not be decoded, with its column (in bytes,
/// from 1); an empty string where there is nothing of the kind.
std::string text_problem(std::string_view text, TextEncoding encoding);

}  // namespace lore
