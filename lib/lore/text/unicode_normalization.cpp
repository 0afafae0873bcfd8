// Normalization forms with alignments. The order in which characters come out, and which of them count as
// inserted, is that of the iterators the `tokenizers` package uses.

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "lore/core/utf8.h"
#include "lore/text/unicode.h"
#include "lore/text/unicode_tables.h"

namespace lore {
namespace {

/// True when `c` stands for itself in every canonical form, whatever is around it.
bool is_canonically_inert(char32_t c) {
  if (c < 0xC0) return true;
  return (c >= 0x2010 && c < 0x2071) || (c >= 0x3001 && c < 0x302A) || (c >= 0x4E00 && c < 0xA000) ||
         (c >= 0x3400 && c < 0x4DC0) || (c >= 0xFF01 && c < 0xFFE0) || (c >= 0x1F300 && c < 0x1FB00);
}

/// The same for the composed form: what may stay although it would decompose.
bool is_composed_inert(char32_t c) {
  return c < 0x300 || (c >= 0x3041 && c < 0x3099) || (c >= 0x309D && c < 0x3100) || is_canonically_inert(c);
}

bool is_normalized(std::string_view text, NormalizationForm form) {
  for (std::size_t i = 0; i < text.size();) {
    char32_t c = next_character(text, i);
    if (c < 0x80) continue;
    if (form == NormalizationForm::kNfc && is_composed_inert(c)) continue;
    if (form == NormalizationForm::kNfd && is_canonically_inert(c)) continue;
    return false;
  }
  return true;
}

bool is_unknown_to_unicode_9(char32_t c) {
  return find_range(normalized_since_unicode_9(), c) != nullptr ||
         find_range(categories_since_unicode_14(), c) != nullptr;
}

int combining_class(char32_t c) {
  if (c < 0x300) return 0;
  int value = utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
  return value != 0 && is_unknown_to_unicode_9(c) ? 0 : value;
}

struct Decomposed {
  char32_t character;
  int change;
  int combining_class;
};

void append_decomposition(std::vector<Decomposed>& out, char32_t c, bool compatible) {
  std::array<utf8proc_int32_t, 32> buffer;
  utf8proc_ssize_t count = 1;
  buffer[0] = static_cast<utf8proc_int32_t>(c);
  if (c >= 0x80 && !is_unknown_to_unicode_9(c)) {
    int options = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    int boundary = 0;
    count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), buffer.data(),
                                    static_cast<utf8proc_ssize_t>(buffer.size()),
                                    static_cast<utf8proc_option_t>(options), &boundary);
    count = std::clamp<utf8proc_ssize_t>(count, 1, static_cast<utf8proc_ssize_t>(buffer.size()));
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    char32_t part = static_cast<char32_t>(buffer[static_cast<std::size_t>(i)]);
    out.push_back({part, i > 0 ? 1 : 0, combining_class(part)});
  }
}

std::vector<Decomposed> decompose(std::string_view text, bool compatible) {
  std::vector<Decomposed> out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) append_decomposition(out, next_character(text, i), compatible);
  for (auto begin = out.begin(); begin != out.end();) {
    if (begin->combining_class == 0) {
      ++begin;
      continue;
    }
    auto end = std::find_if(begin, out.end(), [](const Decomposed& d) { return d.combining_class == 0; });
    std::stable_sort(begin, end, [](const Decomposed& a, const Decomposed& b) {
      return a.combining_class < b.combining_class;
    });
    begin = end;
  }
  return out;
}

std::optional<char32_t> compose_pair(char32_t first, char32_t second) {
  if (second < 0x300) return std::nullopt;
  utf8proc_int32_t pair[2] = {static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second)};
  constexpr int kOptions = UTF8PROC_COMPOSE | UTF8PROC_STABLE;
  if (utf8proc_normalize_utf32(pair, 2, static_cast<utf8proc_option_t>(kOptions)) != 1) return std::nullopt;
  char32_t composed = static_cast<char32_t>(pair[0]);
  if (is_unknown_to_unicode_9(composed)) return std::nullopt;
  return composed;
}

std::vector<TextChange> compose(const std::vector<Decomposed>& parts) {
  std::vector<TextChange> out;
  out.reserve(parts.size());
  std::vector<TextChange> waiting;  // marks after the starter that did not combine with it
  std::optional<TextChange> starter;
  int last_class = 0;  // of the last waiting mark
  auto flush = [&] {
    if (starter) out.push_back(*starter);
    out.insert(out.end(), waiting.begin(), waiting.end());
    waiting.clear();
  };
  for (const Decomposed& part : parts) {
    TextChange change{part.character, part.change};
    if (!starter) {
      if (part.combining_class != 0) {
        out.push_back(change);
      } else {
        starter = change;
      }
      continue;
    }
    bool blocked = !waiting.empty() && last_class >= part.combining_class;
    if (!blocked) {
      if (auto composed = compose_pair(starter->character, part.character)) {
        starter = {*composed, starter->change + part.change - 1};
        continue;
      }
    }
    if (part.combining_class == 0) {
      flush();
      starter = change;
      continue;
    }
    waiting.push_back(change);
    last_class = part.combining_class;
  }
  flush();
  return out;
}

}  // namespace

void normalize(AlignedText& text, NormalizationForm form) {
  if (is_normalized(text.text(), form)) return;
  bool compatible = form == NormalizationForm::kNfkc || form == NormalizationForm::kNfkd;
  std::vector<Decomposed> parts = decompose(text.text(), compatible);
  std::vector<TextChange> changes;
  if (form == NormalizationForm::kNfc || form == NormalizationForm::kNfkc) {
    changes = compose(parts);
  } else {
    for (const Decomposed& part : parts) changes.push_back({part.character, part.change});
  }
  text.transform(changes, 0);
}

}  // namespace lore
