#include "lore/text/byte_alphabet.h"

#include <array>

#include "lore/core/utf8.h"

namespace lore {
namespace {

constexpr char32_t kFirstShifted = 256;

constexpr bool stands_for_itself(char32_t byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
}

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<unsigned char, 256> shifted{};  // the byte behind kFirstShifted + i
  char32_t shifted_count = 0;

  constexpr Alphabet() {
    for (char32_t byte = 0; byte < 256; ++byte) {
      if (stands_for_itself(byte)) {
        character[byte] = byte;
      } else {
        shifted[shifted_count] = static_cast<unsigned char>(byte);
        character[byte] = kFirstShifted + shifted_count++;
      }
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

char32_t byte_character(unsigned char byte) { return kAlphabet.character[byte]; }

std::optional<unsigned char> character_byte(char32_t character) {
  if (stands_for_itself(character)) return static_cast<unsigned char>(character);
  if (character < kFirstShifted || character - kFirstShifted >= kAlphabet.shifted_count) return std::nullopt;
  return kAlphabet.shifted[character - kFirstShifted];
}

std::string spell_bytes(std::string_view bytes) {
  std::string spelled;
  spelled.reserve(bytes.size() * 2);
  for (char byte : bytes) append_utf8(spelled, byte_character(static_cast<unsigned char>(byte)));
  return spelled;
}

}  // namespace lore
