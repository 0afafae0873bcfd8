#include "lore/eval/canary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "lore/core/error.h"
#include "lore/core/philox.h"
#include "lore/core/printable.h"

namespace lore {
namespace {

constexpr std::uint64_t kSeed = 42;
constexpr std::size_t kLongest = 64;

struct Alphabet {
  std::string_view name;
  std::string_view characters;
};

constexpr std::array<Alphabet, 4> kAlphabets = {{{"digits", "0123456789"},
                                                 {"letters", "abcdefghijklmnopqrstuvwxyz"},
                                                 {"capitals", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
                                                 {"hex", "0123456789abcdef"}}};

}  // namespace

CanaryFormat::Piece CanaryFormat::read_placeholder(std::string_view inside) {
  const std::size_t colon = std::min(inside.find(':'), inside.size());
  const auto known = std::ranges::find(kAlphabets, inside.substr(0, colon), &Alphabet::name);
  const std::string_view count = inside.substr(std::min(colon + 1, inside.size()));
  std::size_t length = 0;
  const auto read = std::from_chars(count.data(), count.data() + count.size(), length);
  if (known == kAlphabets.end() || read.ec != std::errc() || read.ptr != count.data() + count.size() ||
      length < 1 || length > kLongest) {
    throw Error(
        ErrorKind::kInput, "format",
        fmt::format("{} is none of {{digits:N}}, {{letters:N}}, {{capitals:N}}, {{hex:N}} with N from 1 "
                    "to {}",
                    in_quotes(fmt::format("{{{}}}", inside)), kLongest));
  }
  return {"", known->characters, length};
}

CanaryFormat::CanaryFormat(std::string_view format) {
  bool random = false;
  while (!format.empty()) {
    const std::size_t open = std::min(format.find('{'), format.size());
    if (open > 0) {
      pieces_.push_back({std::string(format.substr(0, open)), {}, 0});
    }
    format.remove_prefix(open);
    if (format.empty()) {
      break;
    }
    const std::size_t close = format.find('}');
    if (close == std::string_view::npos) {
      throw Error(ErrorKind::kInput, "format", "has a '{' without its '}'");
    }
    pieces_.push_back(read_placeholder(format.substr(1, close - 1)));
    texts_ *= std::pow(pieces_.back().alphabet.size(), pieces_.back().length);
    random = true;
    format.remove_prefix(close + 1);
  }
  if (!random) {
    throw Error(ErrorKind::kInput, "format", "has no random part, as {digits:4}");
  }
}

bool CanaryFormat::matches(std::string_view text) const {
  for (const Piece& piece : pieces_) {
    if (piece.length == 0) {
      if (!text.starts_with(piece.text)) {
        return false;
      }
      text.remove_prefix(piece.text.size());
      continue;
    }
    if (text.size() < piece.length ||
        text.substr(0, piece.length).find_first_not_of(piece.alphabet) != std::string_view::npos) {
      return false;
    }
    text.remove_prefix(piece.length);
  }
  return text.empty();
}

/// The text whose random characters are those that `choose(size of the alphabet)` gives the places of.
template <class Choose>
std::string CanaryFormat::fill(const Choose& choose) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    text += piece.text;
    for (std::size_t i = 0; i < piece.length; ++i) {
      text += piece.alphabet[choose(piece.alphabet.size())];
    }
  }
  return text;
}

std::vector<std::string> CanaryFormat::candidates(std::string_view canary, std::size_t count,
                                                  std::uint64_t stream) const {
  std::vector<std::string> candidates;
  if (texts_ - 1 <= static_cast<double>(count)) {
    for (std::size_t index = 0; index < static_cast<std::size_t>(texts_); ++index) {
      std::size_t rest = index;
      std::string text = fill([&](std::size_t size) {
        const std::size_t place = rest % size;
        rest /= size;
        return place;
      });
      if (text != canary) {
        candidates.push_back(std::move(text));
      }
    }
    return candidates;
  }
  PhiloxStream random(kSeed, stream);
  std::set<std::string> taken{std::string(canary)};
  while (candidates.size() < count) {
    std::string text = fill([&](std::size_t size) { return random.below(static_cast<std::uint32_t>(size)); });
    if (taken.insert(text).second) {
      candidates.push_back(std::move(text));
    }
  }
  return candidates;
}

double exposure(double canary, std::span<const double> candidates) {
  const auto likelier = std::ranges::count_if(candidates, [&](double one) { return one > canary; });
  return std::log2(static_cast<double>(candidates.size() + 1)) - std::log2(static_cast<double>(likelier + 1));
}

}  // namespace lore
