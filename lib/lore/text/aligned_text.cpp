#include "lore/text/aligned_text.h"

#include <utility>

#include "lore/core/utf8.h"
#include "lore/text/byte_alphabet.h"

namespace lore {

AlignedText::AlignedText(const AlignedText& other, std::size_t begin, std::size_t end)
    : verbatim_(other.verbatim_), shift_(begin < end ? other.origin(begin, end).begin : other.shift_) {
  if (verbatim_) {
    view_ = other.view_.substr(begin, end - begin);
    return;
  }
  storage_ = other.storage_.substr(begin, end - begin);
  origins_.assign(other.origins_.begin() + static_cast<std::ptrdiff_t>(begin),
                  other.origins_.begin() + static_cast<std::ptrdiff_t>(end));
}

ByteRange AlignedText::origin(std::size_t begin, std::size_t end) const {
  if (!verbatim_) return {origins_[begin].begin, origins_[end - 1].end};
  while (begin > 0 && is_utf8_continuation(view_[begin])) --begin;
  while (end < view_.size() && is_utf8_continuation(view_[end])) ++end;
  return {shift_ + begin, shift_ + end};
}

ByteRange AlignedText::inserted_after(std::size_t offset) const {
  if (offset == 0) return {shift_, shift_};
  return byte_origin(offset - 1);
}

void AlignedText::assign(std::string text, std::vector<ByteRange> origins) {
  storage_ = std::move(text);
  origins_ = std::move(origins);
  verbatim_ = false;
}

void AlignedText::transform(std::span<const TextChange> changes, std::size_t removed) {
  std::string_view old = text();
  std::size_t offset = 0;
  auto skip_character = [&] {
    if (offset < old.size()) next_character(old, offset);
  };
  for (std::size_t i = 0; i < removed; ++i) skip_character();

  std::string new_text;
  std::vector<ByteRange> new_origins;
  new_text.reserve(old.size());
  new_origins.reserve(old.size());
  for (const TextChange& change : changes) {
    bool inserted = change.change > 0 || offset >= old.size();
    ByteRange from = inserted ? inserted_after(offset) : byte_origin(offset);
    append_utf8(new_text, change.character);
    new_origins.resize(new_text.size(), from);
    if (change.change > 0) continue;
    for (int i = change.change; i <= 0; ++i) skip_character();
  }
  assign(std::move(new_text), std::move(new_origins));
}

void AlignedText::prepend(std::string_view prefix) {
  std::string_view old = text();
  if (old.empty()) return;
  ByteRange first = byte_origin(0);
  std::vector<ByteRange> new_origins(prefix.size(), first);
  new_origins.reserve(prefix.size() + old.size());
  for (std::size_t i = 0; i < old.size(); ++i) new_origins.push_back(byte_origin(i));
  std::string new_text(prefix);
  new_text += old;
  assign(std::move(new_text), std::move(new_origins));
}

void AlignedText::replace(std::span<const ByteRange> ranges, std::string_view content) {
  if (ranges.empty()) return;
  std::string_view old = text();
  std::string new_text;
  std::vector<ByteRange> new_origins;
  new_text.reserve(old.size());
  new_origins.reserve(old.size());
  std::size_t copied = 0;
  auto copy_until = [&](std::size_t end) {
    new_text += old.substr(copied, end - copied);
    for (; copied < end; ++copied) new_origins.push_back(byte_origin(copied));
  };
  for (const ByteRange& range : ranges) {
    copy_until(range.begin);
    new_text += content;
    new_origins.resize(new_text.size(), inserted_after(range.end));
    copied = range.end;
  }
  copy_until(old.size());
  assign(std::move(new_text), std::move(new_origins));
}

void AlignedText::keep(std::size_t begin, std::size_t end) {
  if (verbatim_) {
    view_ = view_.substr(begin, end - begin);
    shift_ += begin;
    return;
  }
  storage_ = storage_.substr(begin, end - begin);
  origins_ = {origins_.begin() + static_cast<std::ptrdiff_t>(begin),
              origins_.begin() + static_cast<std::ptrdiff_t>(end)};
}

void AlignedText::map_bytes() {
  std::string_view old = text();
  std::string new_text;
  std::vector<ByteRange> new_origins;
  new_text.reserve(old.size() * 2);
  new_origins.reserve(old.size() * 2);
  for (std::size_t i = 0; i < old.size(); ++i) {
    append_utf8(new_text, byte_character(static_cast<unsigned char>(old[i])));
    new_origins.resize(new_text.size(), byte_origin(i));
  }
  assign(std::move(new_text), std::move(new_origins));
}

}  // namespace lore
