#include "lore/text/unicode.h"

#include <utf8proc.h>

#include <array>
#include <bitset>
#include <cstddef>

#include "lore/core/utf8.h"
#include "lore/text/unicode_tables.h"

namespace lore {
namespace {

constexpr char32_t kMongolianVowelSeparator = 0x180E;  // PCRE2's \s has it, the property White_Space has not
constexpr char32_t kWordJoiner = 0x2060;               // the same category and length, and \s nowhere

constexpr CharacterRange kNumericSince17[] = {{0x11DE0, 0x11DE9}, {0x16FF4, 0x16FF6}};
/// Other_Alphabetic characters of category So.
constexpr CharacterRange kAlphabeticSymbols[] = {
    {0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};

bool is_letter(utf8proc_category_t c) { return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO; }
bool is_mark(utf8proc_category_t c) { return c >= UTF8PROC_CATEGORY_MN && c <= UTF8PROC_CATEGORY_ME; }

struct LowercaseRange {
  char32_t first;
  char32_t last;
  int distance;
};

/// Simple lower-case mappings of Unicode 16 and 17.
constexpr LowercaseRange kLowercaseSince16[] = {
    {0x1C89, 0x1C89, 1},      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
    {0xA7CC, 0xA7CC, 1},      {0xA7CE, 0xA7CE, 1},
    {0xA7D2, 0xA7D2, 1},      {0xA7D4, 0xA7D4, 1},
    {0xA7DA, 0xA7DA, 1},      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
    {0x10D50, 0x10D65, 0x20}, {0x16EA0, 0x16EB8, 0x1B},
};

/// A character of `category` that PCRE2 has known since Unicode 14, of three or four bytes.
char32_t known_character(utf8proc_category_t category, bool four_bytes) {
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
      return four_bytes ? 0x10400 : 0xA640;
    case UTF8PROC_CATEGORY_LL:
      return four_bytes ? 0x10428 : 0xA641;
    case UTF8PROC_CATEGORY_LM:
      return four_bytes ? 0x16B40 : 0xA015;
    case UTF8PROC_CATEGORY_LO:
      return four_bytes ? 0x10380 : 0xA000;
    case UTF8PROC_CATEGORY_MN:
      return four_bytes ? 0x10A01 : 0x20D0;
    case UTF8PROC_CATEGORY_MC:
      return four_bytes ? 0x11000 : 0xA823;
    case UTF8PROC_CATEGORY_ND:
      return four_bytes ? 0x104A0 : 0xA620;
    case UTF8PROC_CATEGORY_NO:
      return four_bytes ? 0x10107 : 0x2460;
    case UTF8PROC_CATEGORY_PD:
      return four_bytes ? 0x10EAD : 0x2010;
    case UTF8PROC_CATEGORY_PO:
      return four_bytes ? 0x10100 : 0x2E2E;
    case UTF8PROC_CATEGORY_SM:
      return four_bytes ? 0x1D6C1 : 0x2200;
    case UTF8PROC_CATEGORY_CF:
      return four_bytes ? 0xE0020 : kWordJoiner;
    default:
      return four_bytes ? 0x1F300 : 0x2400;  // So, the only other category in the table
  }
}

char32_t known_character(char32_t character) {
  if (character == kMongolianVowelSeparator) return kWordJoiner;
  const CategoryRange* range = find_range(categories_since_unicode_14(), character);
  if (range == nullptr) return character;
  constexpr char32_t kFirstIdeographOfExtensionB = 0x20000;
  if (character > kFirstIdeographOfExtensionB) return kFirstIdeographOfExtensionB;
  return known_character(range->category, character > 0xFFFF);
}

/// Which blocks of 16 characters of the Basic Multilingual Plane hold one that `known_character` changes.
const std::bitset<4096>& blocks_with_unknown_characters() {
  static const std::bitset<4096> blocks = [] {
    std::bitset<4096> set;
    set.set(kMongolianVowelSeparator >> 4);
    for (const CategoryRange& range : categories_since_unicode_14()) {
      for (char32_t c = range.first; c <= range.last && c < 0x10000; ++c) set.set(c >> 4);
    }
    return set;
  }();
  return blocks;
}

}  // namespace

bool is_whitespace(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_numeric(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  utf8proc_category_t category = general_category(c);
  if (category == UTF8PROC_CATEGORY_CN) return find_range(kNumericSince17, c) != nullptr;
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool is_word_character(char32_t c) {
  if (c == 0x200C || c == 0x200D) return true;
  utf8proc_category_t category = general_category(c);
  return is_letter(category) || is_mark(category) || category == UTF8PROC_CATEGORY_ND ||
         category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC ||
         find_range(kAlphabeticSymbols, c) != nullptr;
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) return c > 32 && c < 127 && !(c >= '0' && c <= '9') && !((c | 32) >= 'a' && (c | 32) <= 'z');
  if (c == 0x166D || c == 0x111C9) return true;  // Po in Unicode 8
  utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO &&
         find_range(punctuation_since_unicode_8(), c) == nullptr &&
         find_range(categories_since_unicode_14(), c) == nullptr;
}

void append_lowercase(std::vector<TextChange>& changes, char32_t c) {
  constexpr char32_t kCapitalIWithDot = 0x130;
  constexpr char32_t kCombiningDotAbove = 0x307;
  if (c == kCapitalIWithDot) {
    changes.push_back({'i', 0});
    changes.push_back({kCombiningDotAbove, 1});
    return;
  }
  for (const LowercaseRange& range : kLowercaseSince16) {
    if (c >= range.first && c <= range.last) {
      changes.push_back({static_cast<char32_t>(static_cast<int>(c) + range.distance), 0});
      return;
    }
  }
  changes.push_back({static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))), 0});
}

std::string with_known_characters(std::string_view text) {
  const std::bitset<4096>& blocks = blocks_with_unknown_characters();
  std::string changed;
  std::size_t i = 0;
  while (i < text.size()) {
    unsigned char lead = static_cast<unsigned char>(text[i]);
    if (lead < 0xE0) {
      ++i;
      continue;
    }
    std::size_t begin = i;
    char32_t character = next_character(text, i);
    if (character < 0x10000 && !blocks[character >> 4]) continue;
    char32_t known = known_character(character);
    if (known == character) continue;
    if (changed.empty()) changed = text;
    std::string bytes;
    append_utf8(bytes, known);
    changed.replace(begin, bytes.size(), bytes);
  }
  return changed;
}

}  // namespace lore
