#include "lore/text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "lore/text/byte_alphabet.h"

namespace lore {

std::uint64_t hash_bytes(std::string_view bytes) {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15u;
  std::uint64_t hash = bytes.size() * kMultiplier;
  auto mix = [&](std::uint64_t word) {
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32;
  };
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    mix(word);
  }
  std::uint64_t word = 0;
  if (i < bytes.size()) std::memcpy(&word, bytes.data() + i, bytes.size() - i);
  mix(word);
  return hash;
}

void Vocabulary::reserve(std::size_t tokens, std::size_t bytes) {
  bytes_.reserve(bytes);
  tokens_.reserve(tokens);
  token_of_id_.reserve(tokens);
  grow(tokens);
}

void Vocabulary::grow(std::size_t tokens) {
  std::size_t wanted = std::bit_ceil(std::max<std::size_t>(16, tokens * 2));
  if (wanted <= slots_.size()) return;
  slots_.assign(wanted, 0);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    slots_[slot_of(text(tokens_[i]))] = static_cast<std::uint32_t>(i + 1);
  }
}

std::size_t Vocabulary::slot_of(std::string_view token) const {
  std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash_bytes(token) & mask;
  while (slots_[slot] != 0 && text(tokens_[slots_[slot] - 1]) != token) slot = (slot + 1) & mask;
  return slot;
}

void Vocabulary::insert(std::string_view token, std::int32_t id) {
  if ((tokens_.size() + 1) * 2 > slots_.size()) grow((tokens_.size() + 1) * 2);
  std::size_t slot = slot_of(token);
  if (slots_[slot] == 0) {
    tokens_.push_back({bytes_.size(), static_cast<std::uint32_t>(token.size()), id});
    bytes_ += token;
    slots_[slot] = static_cast<std::uint32_t>(tokens_.size());
  } else {
    std::uint32_t& old = token_of_id_[static_cast<std::size_t>(tokens_[slots_[slot] - 1].id)];
    if (old == slots_[slot]) old = 0;
    tokens_[slots_[slot] - 1].id = id;
  }
  std::size_t index = static_cast<std::size_t>(id);
  if (index >= token_of_id_.size()) token_of_id_.resize(index + 1, 0);
  if (token_of_id_[index] == 0) token_of_id_[index] = slots_[slot];
}

std::optional<std::int32_t> Vocabulary::find(std::string_view token) const {
  if (slots_.empty()) return std::nullopt;
  std::uint32_t found = slots_[slot_of(token)];
  if (found == 0) return std::nullopt;
  return tokens_[found - 1].id;
}

std::optional<std::string_view> Vocabulary::token(std::int32_t id) const {
  std::size_t index = static_cast<std::size_t>(id);
  if (id < 0 || index >= token_of_id_.size() || token_of_id_[index] == 0) return std::nullopt;
  return text(tokens_[token_of_id_[index] - 1]);
}

bool spells_every_byte(const Vocabulary& vocabulary) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    char raw = static_cast<char>(byte);
    if (!vocabulary.find(spell_bytes({&raw, 1}))) return false;
  }
  return true;
}

}  // namespace lore
