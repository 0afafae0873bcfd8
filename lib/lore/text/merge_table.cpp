#include "lore/text/merge_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <limits>
#include <queue>
#include <utility>

#include "lore/text/bpe.h"

namespace lore {
namespace {

/// Below this many tokens, looking through all ranks for the lowest is faster than a queue.
constexpr std::size_t kShortWord = 48;

constexpr std::uint32_t kNoMerge = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kNone = -1;

struct Candidate {
  std::uint32_t rank;
  std::int32_t result;
  std::int64_t left;

  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

struct Node {
  PieceToken token;
  std::int64_t previous;
  std::int64_t next;
};

}  // namespace

void MergeTable::reserve(std::size_t merges) {
  std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, merges * 3 / 2));
  if (slots > slots_.size()) resize(slots);
}

void MergeTable::resize(std::size_t slots) {
  std::vector<Slot> old(slots, Slot{kFree, {0, 0}});
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.pair != kFree) slots_[slot_of(slot.pair)] = slot;
  }
}

std::size_t MergeTable::slot_of(std::uint64_t pair) const {
  std::size_t mask = slots_.size() - 1;
  std::uint64_t hash = pair * 0x9E3779B97F4A7C15u;
  std::size_t slot = static_cast<std::size_t>(hash ^ hash >> 32) & mask;
  while (slots_[slot].pair != pair && slots_[slot].pair != kFree) slot = (slot + 1) & mask;
  return slot;
}

void MergeTable::insert(std::int32_t left, std::int32_t right, Merge merge) {
  if ((count_ + 1) * 3 / 2 > slots_.size()) resize(std::max<std::size_t>(16, slots_.size() * 2));
  Slot& slot = slots_[slot_of(key(left, right))];
  if (slot.pair == kFree) ++count_;
  slot = {key(left, right), merge};
}

const MergeTable::Merge* MergeTable::find(std::int32_t left, std::int32_t right) const {
  if (slots_.empty()) return nullptr;
  const Slot& slot = slots_[slot_of(key(left, right))];
  return slot.pair == kFree ? nullptr : &slot.merge;
}

void MergeTable::apply(std::vector<PieceToken>& word) const {
  if (word.size() < 2) return;
  if (word.size() <= kShortWord) {
    apply_short(word);
  } else {
    apply_long(word);
  }
}

void MergeTable::apply_short(std::vector<PieceToken>& word) const {
  std::array<Merge, kShortWord> merges;  // of word[i] and word[i + 1]
  std::size_t count = word.size();
  auto look_up = [&](std::size_t i) {
    const Merge* merge = i + 1 < count ? find(word[i].id, word[i + 1].id) : nullptr;
    merges[i] = merge == nullptr ? Merge{kNoMerge, 0} : *merge;
  };
  for (std::size_t i = 0; i < count; ++i) look_up(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (merges[best].rank == kNoMerge) break;
    word[best] = {merges[best].result, word[best].length + word[best + 1].length};
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      word[i] = word[i + 1];
      merges[i] = merges[i + 1];
    }
    look_up(best);
    if (best > 0) look_up(best - 1);
  }
  word.resize(count);
}

void MergeTable::apply_long(std::vector<PieceToken>& word) const {
  std::vector<Node> nodes(word.size());
  std::vector<Candidate> initial;
  for (std::size_t i = 0; i < word.size(); ++i) {
    auto at = static_cast<std::int64_t>(i);
    nodes[i] = {word[i], at - 1, i + 1 < word.size() ? at + 1 : kNone};
    if (i + 1 == word.size()) break;
    if (const Merge* merge = find(word[i].id, word[i + 1].id))
      initial.push_back({merge->rank, merge->result, at});
  }
  std::priority_queue queue(std::greater<Candidate>{}, std::move(initial));
  auto node = [&](std::int64_t at) -> Node& { return nodes[static_cast<std::size_t>(at)]; };
  auto propose = [&](std::int64_t left) {
    if (left == kNone || node(left).next == kNone) return;
    const Merge* merge = find(node(left).token.id, node(node(left).next).token.id);
    if (merge != nullptr) queue.push({merge->rank, merge->result, left});
  };
  while (!queue.empty()) {
    Candidate top = queue.top();
    queue.pop();
    Node& left = node(top.left);
    if (left.token.length == 0 || left.next == kNone) continue;
    Node& right = node(left.next);
    const Merge* merge = find(left.token.id, right.token.id);
    if (merge == nullptr || merge->result != top.result) continue;  // one of the two has merged since
    left.token = {top.result, left.token.length + right.token.length};
    right.token.length = 0;
    left.next = right.next;
    if (right.next != kNone) node(right.next).previous = top.left;
    propose(left.previous);
    propose(top.left);
  }
  word.clear();
  for (const Node& kept : nodes) {
    if (kept.token.length != 0) word.push_back(kept.token);
  }
}

}  // namespace lore
