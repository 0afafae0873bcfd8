#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// Tokens and their ids, both ways. A token inserted twice keeps its last id.
class Vocabulary {
 public:
  /// Space for `tokens` tokens of `bytes` bytes together.
  void reserve(std::size_t tokens, std::size_t bytes);
  /// REQUIRES id >= 0.
  void insert(std::string_view token, std::int32_t id);

  std::optional<std::int32_t> find(std::string_view token) const;
  /// Nothing for an id that no token has. Of two tokens with one id, the first.
  std::optional<std::string_view> token(std::int32_t id) const;
  /// The number of distinct tokens.
  std::size_t size() const { return tokens_.size(); }
  /// The largest id, or -1.
  std::int32_t largest_id() const { return static_cast<std::int32_t>(token_of_id_.size()) - 1; }

 private:
  struct Entry {
    std::size_t offset;
    std::uint32_t length;
    std::int32_t id;
  };

  std::string_view text(const Entry& entry) const {
    return std::string_view(bytes_).substr(entry.offset, entry.length);
  }
  /// The slot of `token`, or the free slot where it belongs.
  std::size_t slot_of(std::string_view token) const;
  void grow(std::size_t tokens);

  std::string bytes_;
  std::vector<Entry> tokens_;
  std::vector<std::uint32_t> slots_;        // 1 + index into tokens_, 0 when free
  std::vector<std::uint32_t> token_of_id_;  // 1 + index into tokens_, 0 when the id is free
};

/// True when the 256 characters of the byte alphabet are all tokens.
bool spells_every_byte(const Vocabulary& vocabulary);

/// A 64-bit hash of `bytes`, for tables in memory.
std::uint64_t hash_bytes(std::string_view bytes);

}  // namespace lore
