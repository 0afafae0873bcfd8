#include "lore/corpus/near_duplicates.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <optional>
#include <type_traits>
#include <unordered_map>

#include "lore/corpus/folded_text.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

static_assert(std::is_trivially_copyable_v<RowSignature> && sizeof(RowSignature) == 624);

constexpr std::size_t kShingle = 5;
/// Below this, one more word makes a text another: equal is all that two of them can be.
constexpr std::size_t kFewestShingles = 16;
constexpr std::size_t kBandRows = 8;
constexpr std::size_t kMinima = RowSignature::kBands * kBandRows;
constexpr std::size_t kMostInBand = 128;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr char kPartEnd = '\n';
/// Two different bins have the same byte by chance this often.
constexpr double kChance = 1.0 / 255;

/// The finalizer of MurmurHash3.
constexpr std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDULL;
  x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return x ^ (x >> 33);
}

std::array<std::uint64_t, 2> exact_hash(const std::u32string& text) {
  std::array<std::uint64_t, 2> hash = {0x243F6A8885A308D3ULL, 0x13198A2E03707344ULL};
  for (const char32_t character : text) {
    hash[0] = (std::rotl(hash[0], 27) ^ character) * 0x9DDFEA08EB382D69ULL;
    hash[1] = (std::rotl(hash[1], 31) ^ character) * 0xC2B2AE3D27D4EB4FULL;
  }
  hash = {mixed(hash[0] ^ text.size()), mixed(hash[1] + text.size())};
  hash[0] |= 1;  // zero means no text
  return hash;
}

std::uint64_t text_hash(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  return mixed(hash);
}

std::uint64_t shingle_hash(const char32_t* characters) {
  return mixed(characters[0] * 0x9E3779B97F4A7C15ULL + characters[1] * 0xBF58476D1CE4E5B9ULL +
               characters[2] * 0x94D049BB133111EBULL + characters[3] * 0xD6E8FEB86659FD93ULL +
               characters[4] * 0xA0761D6478BD642FULL);
}

constexpr std::uint64_t kEmpty = std::numeric_limits<std::uint64_t>::max();

/// Gives each empty bin the value of a full one, drawn by the bin's number alone: two sets then agree in a
/// bin as often as they are similar, however few elements they have (Shrivastava 2017, arXiv:1703.04664).
std::uint64_t densified(const std::array<std::uint64_t, kMinima>& bins, std::size_t bin) {
  std::size_t at = bin;
  for (std::uint64_t attempt = 1; bins[at] == kEmpty; ++attempt) {
    at = mixed(bin * 0x9E3779B97F4A7C15ULL + attempt) % kMinima;
  }
  return bins[at];
}

void compute_shingles(const std::u32string& text, RowSignature& signature) {
  const std::size_t count = text.size() - kShingle + 1;
  signature.shingles = static_cast<std::uint32_t>(std::min<std::size_t>(count, kNone));
  std::array<std::uint64_t, kMinima> band_bins{};
  band_bins.fill(kEmpty);
  std::array<std::uint64_t, RowSignature::kSketch> sketch_bins{};
  sketch_bins.fill(kEmpty);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t hash = shingle_hash(text.data() + i);
    std::uint64_t& sketch_bin = sketch_bins[hash % RowSignature::kSketch];
    sketch_bin = std::min(sketch_bin, hash);
    // Other bits: what brings a pair together must not be what verifies it.
    const std::uint64_t other = mixed(hash ^ 0xA0761D6478BD642FULL);
    std::uint64_t& band_bin = band_bins[(other >> 32) % kMinima];
    band_bin = std::min(band_bin, other << 32 | other >> 32);
  }
  for (std::size_t b = 0; b < RowSignature::kBands; ++b) {
    std::uint64_t key = b;
    for (std::size_t r = 0; r < kBandRows; ++r) {
      key = mixed(key * 0x9E3779B97F4A7C15ULL ^ densified(band_bins, b * kBandRows + r));
    }
    signature.bands[b] = static_cast<std::uint32_t>(key);
  }
  for (std::size_t i = 0; i < sketch_bins.size(); ++i) {
    signature.sketch[i] =
        sketch_bins[i] == kEmpty ? 0 : static_cast<std::uint8_t>(1 + mixed(sketch_bins[i]) % 255);
  }
}

void add_part(std::string& text, const Json& value) {
  if (value.is_string()) {
    text += value.get_ref<const std::string&>();
    text += kPartEnd;
  } else if (value.is_array()) {
    for (const Json& part : value) {
      add_part(text, part.is_object() && part.contains("text") ? part["text"] : part);
    }
  }
}

void add_messages(std::string& text, const Json& messages) {
  for (const Json& message : messages) {
    const std::string role = message.is_object() ? message.value("role", Json()).dump() : "";
    if (!message.is_object() || role == "\"system\"" || role == "\"developer\"") {
      continue;
    }
    for (const char* key : {"content", "reasoning_content"}) {
      if (const auto content = message.find(key); content != message.end()) {
        add_part(text, *content);
      }
    }
    if (const auto calls = message.find("tool_calls"); calls != message.end() && calls->is_array()) {
      for (const Json& call : *calls) {
        // The call's id differs from row to row and says nothing.
        text += (call.is_object() && call.contains("function") ? call["function"] : call).dump();
        text += kPartEnd;
      }
    }
  }
}

/// Rows by the keys of their bands: chains through arrays, the latest row first.
class BandIndex {
 public:
  explicit BandIndex(std::size_t rows)
      : mask_(std::bit_ceil(std::max<std::size_t>(rows, 1)) - 1),
        heads_(RowSignature::kBands * (mask_ + 1), kNone),
        next_(RowSignature::kBands * rows, kNone),
        seen_(rows, kNone) {}

  void add(std::uint32_t row, const RowSignature& signature) {
    for (std::size_t b = 0; b < RowSignature::kBands; ++b) {
      std::uint32_t& head = heads_[b * (mask_ + 1) + (signature.bands[b] & mask_)];
      next_[row * RowSignature::kBands + b] = head;
      head = row;
    }
  }

  /// The first of `rows` found that is like `signature`. `query` is another number each time.
  std::optional<DuplicatePair> find(const RowSignature& signature, std::uint32_t query,
                                    std::span<const RowSignature> rows, bool same_origin) {
    for (std::size_t b = 0; b < RowSignature::kBands; ++b) {
      std::uint32_t row = heads_[b * (mask_ + 1) + (signature.bands[b] & mask_)];
      for (std::size_t i = 0; i < kMostInBand && row != kNone; ++i) {
        // Another key may have come to the same chain.
        if (seen_[row] != query && rows[row].bands[b] == signature.bands[b]) {
          seen_[row] = query;
          const double value = similarity(signature, rows[row]);
          if (value >= kNearDuplicate && (same_origin || signature.origin != rows[row].origin)) {
            return DuplicatePair{query, row, value, false};
          }
        }
        row = next_[row * RowSignature::kBands + b];
      }
    }
    return {};
  }

 private:
  std::size_t mask_;
  std::vector<std::uint32_t> heads_;
  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> seen_;  // the query that last looked at a row
};

struct ExactHash {
  std::size_t operator()(const std::array<std::uint64_t, 2>& hash) const { return hash[1]; }
};
using ExactIndex = std::unordered_map<std::array<std::uint64_t, 2>, std::uint32_t, ExactHash>;

}  // namespace

std::string compared_text(const Json& row) {
  std::string text;
  for (const char* key : {"messages", "prompt", "completion"}) {
    const auto entry = row.find(key);
    if (entry == row.end()) {
      continue;
    }
    if (entry->is_array()) {
      add_messages(text, *entry);
    } else {
      add_part(text, *entry);
    }
  }
  if (const auto entry = row.find("text"); entry != row.end()) {
    add_part(text, *entry);
  }
  return text;
}

RowSignature row_signature(const Row& row) {
  RowSignature signature;
  signature.origin = text_hash(row.source);
  const std::u32string text = folded_text(compared_text(row.value));
  if (text.empty()) {
    return signature;
  }
  signature.exact = exact_hash(text);
  if (text.size() >= kShingle + kFewestShingles - 1) {
    compute_shingles(text, signature);
  }
  return signature;
}

double similarity(const RowSignature& a, const RowSignature& b) {
  if (a.shingles == 0 || b.shingles == 0) {
    return 0;
  }
  // Counted in lanes of bytes, which compilers turn into a few vector instructions.
  constexpr std::size_t kLanes = 16;
  static_assert(RowSignature::kSketch / kLanes < 256);
  std::array<std::uint8_t, kLanes> equal_in{};
  std::array<std::uint8_t, kLanes> empty_in{};
  for (std::size_t i = 0; i < RowSignature::kSketch; i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      equal_in[k] = static_cast<std::uint8_t>(equal_in[k] + (a.sketch[i + k] == b.sketch[i + k]));
      empty_in[k] = static_cast<std::uint8_t>(empty_in[k] + ((a.sketch[i + k] | b.sketch[i + k]) == 0));
    }
  }
  const int empty = std::accumulate(empty_in.begin(), empty_in.end(), 0);
  const int equal = std::accumulate(equal_in.begin(), equal_in.end(), 0) - empty;
  const int used = static_cast<int>(RowSignature::kSketch) - empty;
  return std::max(0.0, (static_cast<double>(equal) / used - kChance) / (1 - kChance));
}

std::vector<DuplicatePair> find_duplicates(std::span<const RowSignature> rows) {
  std::vector<DuplicatePair> pairs;
  ExactIndex first;
  BandIndex index(rows.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    const RowSignature& row = rows[i];
    if (row.exact == std::array<std::uint64_t, 2>{}) {
      continue;
    }
    if (const auto [entry, is_new] = first.emplace(row.exact, i); !is_new) {
      pairs.push_back({i, entry->second, 1, true});
      continue;
    }
    if (row.shingles == 0) {
      continue;
    }
    if (const auto pair = index.find(row, i, rows, false)) {
      pairs.push_back(*pair);
    }
    index.add(i, row);
  }
  return pairs;
}

std::vector<DuplicatePair> find_leaks(std::span<const RowSignature> training,
                                      std::span<const RowSignature> validation) {
  ExactIndex first;
  BandIndex index(validation.size());
  for (std::uint32_t i = 0; i < validation.size(); ++i) {
    if (validation[i].exact != std::array<std::uint64_t, 2>{} &&
        first.emplace(validation[i].exact, i).second && validation[i].shingles > 0) {
      index.add(i, validation[i]);
    }
  }
  std::vector<DuplicatePair> pairs;
  for (std::uint32_t i = 0; i < training.size(); ++i) {
    if (const auto entry = first.find(training[i].exact); entry != first.end()) {
      pairs.push_back({i, entry->second, 1, true});
    } else if (training[i].shingles > 0) {
      if (const auto pair = index.find(training[i], i, validation, true)) {
        pairs.push_back(*pair);
      }
    }
  }
  return pairs;
}

}  // namespace lore
