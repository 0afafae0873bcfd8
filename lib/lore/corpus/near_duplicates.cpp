#include "lore/corpus/near_duplicates.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

#include "lore/core/error.h"
#include "lore/corpus/folded_text.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

static_assert(std::is_trivially_copyable_v<RowSignature> && sizeof(RowSignature) == 368);

constexpr std::size_t kShingle = 5;
/// Below this, one more word makes a text another: equal is all that two of them can be.
constexpr std::size_t kFewestShingles = 16;
constexpr std::size_t kBandRows = 8;
constexpr std::size_t kMinima = RowSignature::kBands * kBandRows;
constexpr std::size_t kMostInBand = 128;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr char kPartEnd = '\n';
/// A bin says one of this many values.
constexpr std::uint64_t kValues = 15;
/// Two different bins say the same by chance this often.
constexpr double kChance = 1.0 / kValues;
/// Of the bins in a word.
constexpr std::uint64_t kLowestBits = 0x1111111111111111ULL;

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
  std::array<std::uint64_t, RowSignature::kBins> sketch_bins{};
  sketch_bins.fill(kEmpty);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t hash = shingle_hash(text.data() + i);
    std::uint64_t& sketch_bin = sketch_bins[hash % RowSignature::kBins];
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
    const std::uint64_t value = sketch_bins[i] == kEmpty ? 0 : 1 + mixed(sketch_bins[i]) % kValues;
    signature.sketch[i / 16] |= value << (i % 16 * 4);
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

/// 1 in the lowest bit of each bin that is not 0.
std::uint64_t full_bins(std::uint64_t word) {
  return (word | word >> 1 | word >> 2 | word >> 3) & kLowestBits;
}

/// The sum of the 16 numbers of 4 bits in `word`, each at most 8.
int sum_of_bins(std::uint64_t word) {
  constexpr std::uint64_t kEverySecond = 0x0F0F0F0F0F0F0F0FULL;
  constexpr std::uint64_t kSum = 0x0101010101010101ULL;
  return static_cast<int>(((word & kEverySecond) + (word >> 4 & kEverySecond)) * kSum >> 56);
}

/// Finds for each row that asks the row that answers and says the same.
class Matcher {
 public:
  /// Rows [0, answering) of `size` answer, rows [first_asking, size) ask; a row is answered by rows before
  /// it.
  template <class At>
  static std::vector<DuplicatePair> run(std::size_t size, std::size_t answering, std::size_t first_asking,
                                        bool same_origin, const At& at);

 private:
  static constexpr std::uint64_t entry(std::uint64_t key, std::uint64_t row) { return key << 32 | row; }
  static std::uint32_t row_of(std::uint64_t entry) { return static_cast<std::uint32_t>(entry); }

  Matcher(std::size_t size, std::size_t answering, std::size_t first_asking, bool same_origin)
      : answering_(answering),
        first_asking_(first_asking),
        same_origin_(same_origin),
        others_(size, kNone),
        exact_(size, false) {
    entries_.reserve(size);
  }

  /// Sorts `entries_`, rows by their keys and then by their numbers, and gives each key's to `use`.
  template <class Use>
  void for_each_key(const Use& use) {
    std::sort(entries_.begin(), entries_.end());
    for (std::size_t begin = 0; begin < entries_.size();) {
      std::size_t end = begin + 1;
      while (end < entries_.size() && entries_[end] >> 32 == entries_[begin] >> 32) {
        ++end;
      }
      if (end - begin > 1) {
        use(std::span(entries_).subspan(begin, end - begin));
      }
      begin = end;
    }
  }

  template <class At>
  void match_exact(const At& at);
  template <class At>
  void match_band(std::size_t band, const At& at);
  template <class At>
  std::uint32_t find_near(std::span<const std::uint64_t> answers, std::uint32_t row, std::size_t band,
                          const At& at) const;

  std::size_t answering_;
  std::size_t first_asking_;
  bool same_origin_;
  std::vector<std::uint64_t> entries_;
  std::vector<std::uint32_t> others_;  ///< what a row says the same as
  std::vector<bool> exact_;
};

template <class At>
void Matcher::match_exact(const At& at) {
  for (std::size_t row = 0; row < others_.size(); ++row) {
    const auto& hash = at(row).exact;
    if (hash != std::array<std::uint64_t, 2>{}) {
      entries_.push_back(entry(hash[1] >> 32, row));
    }
  }
  std::vector<std::uint32_t> firsts;  // of each hash with the key
  for_each_key([&](std::span<const std::uint64_t> rows) {
    firsts.clear();
    for (const std::uint64_t found : rows) {
      const std::uint32_t row = row_of(found);
      const auto first = std::find_if(firsts.begin(), firsts.end(), [&](std::uint32_t candidate) {
        return at(candidate).exact == at(row).exact;
      });
      if (first != firsts.end()) {
        others_[row] = *first;
        exact_[row] = true;
      } else if (row < answering_) {
        firsts.push_back(row);
      }
    }
  });
}

/// The latest of `answers` that is like `row`.
template <class At>
std::uint32_t Matcher::find_near(std::span<const std::uint64_t> answers, std::uint32_t row, std::size_t band,
                                 const At& at) const {
  const RowSignature& asking = at(row);
  const std::size_t most = std::min(answers.size(), kMostInBand);
  for (std::size_t i = answers.size(); i > answers.size() - most; --i) {
    const std::uint32_t candidate = row_of(answers[i - 1]);
    const RowSignature& other = at(candidate);
    if (!same_origin_ && asking.origin == other.origin) {
      continue;
    }
    // Rows so close to each other were compared in the first band that they share.
    const bool compared =
        row - candidate <= kMostInBand &&
        !std::equal(asking.bands.begin(), asking.bands.begin() + static_cast<std::ptrdiff_t>(band),
                    other.bands.begin(), std::not_equal_to<>());
    if (!compared && similarity(asking, other) >= kNearDuplicate) {
      return candidate;
    }
  }
  return kNone;
}

template <class At>
void Matcher::match_band(std::size_t band, const At& at) {
  entries_.clear();
  for (std::size_t row = 0; row < others_.size(); ++row) {
    if (exact_[row] || (row >= answering_ && others_[row] != kNone)) {
      continue;
    }
    const RowSignature& signature = at(row);
    if (signature.shingles > 0) {
      entries_.push_back(entry(signature.bands[band], row));
    }
  }
  for_each_key([&](std::span<const std::uint64_t> rows) {
    std::size_t answers = 0;
    for (const std::uint64_t found : rows) {
      const std::uint32_t row = row_of(found);
      if (row >= first_asking_ && others_[row] == kNone && answers > 0) {
        others_[row] = find_near(rows.first(answers), row, band, at);
      }
      answers += row < answering_ ? 1 : 0;
    }
  });
}

template <class At>
std::vector<DuplicatePair> Matcher::run(std::size_t size, std::size_t answering, std::size_t first_asking,
                                        bool same_origin, const At& at) {
  if (size >= kNone) {
    throw Error(ErrorKind::kUsage, "data", "takes less than 2^32 - 1 rows where they are compared");
  }
  Matcher matcher(size, answering, first_asking, same_origin);
  matcher.match_exact(at);
  for (std::size_t band = 0; band < RowSignature::kBands; ++band) {
    matcher.match_band(band, at);
  }
  matcher.entries_ = {};
  std::vector<DuplicatePair> pairs;
  const auto is_pair = [](std::uint32_t other) { return other != kNone; };
  pairs.reserve(static_cast<std::size_t>(std::count_if(
      matcher.others_.begin() + static_cast<std::ptrdiff_t>(first_asking), matcher.others_.end(), is_pair)));
  for (std::size_t row = first_asking; row < size; ++row) {
    if (const std::uint32_t other = matcher.others_[row]; is_pair(other)) {
      const bool exact = matcher.exact_[row];
      pairs.push_back({static_cast<std::uint32_t>(row - first_asking), other,
                       exact ? 1.0F : static_cast<float>(similarity(at(row), at(other))), exact});
    }
  }
  return pairs;
}

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
  constexpr std::size_t kWords = RowSignature::kBins / 16;
  constexpr std::size_t kAtOnce = 8;
  static_assert(kWords % kAtOnce == 0);
  int different = 0;
  int used = 0;
  for (std::size_t i = 0; i < kWords; i += kAtOnce) {
    std::uint64_t different_in = 0;
    std::uint64_t used_in = 0;
    for (std::size_t k = i; k < i + kAtOnce; ++k) {
      different_in += full_bins(a.sketch[k] ^ b.sketch[k]);
      used_in += full_bins(a.sketch[k] | b.sketch[k]);
    }
    different += sum_of_bins(different_in);
    used += sum_of_bins(used_in);
  }
  const double equal = static_cast<double>(used - different) / used;
  return std::max(0.0, (equal - kChance) / (1 - kChance));
}

SignatureList::SignatureList(std::span<const RowSignature> signatures)
    : parts_{signatures}, starts_{0}, size_(signatures.size()) {}

SignatureList::SignatureList(std::vector<std::span<const RowSignature>> parts,
                             std::span<const std::int64_t> rows)
    : parts_(std::move(parts)), rows_(rows), size_(rows.size()) {
  std::int64_t start = 0;
  for (const auto& part : parts_) {
    starts_.push_back(start);
    start += static_cast<std::int64_t>(part.size());
  }
}

const RowSignature& SignatureList::operator[](std::size_t i) const {
  if (rows_.empty()) {
    return parts_.front()[i];
  }
  const std::int64_t row = rows_[i];
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), row);
  const auto part = static_cast<std::size_t>(after - starts_.begin()) - 1;
  return parts_[part][static_cast<std::size_t>(row - starts_[part])];
}

std::vector<DuplicatePair> find_duplicates(const SignatureList& rows) {
  return Matcher::run(rows.size(), rows.size(), 0, false,
                      [&](std::size_t row) -> const RowSignature& { return rows[row]; });
}

std::vector<DuplicatePair> find_leaks(const SignatureList& training, const SignatureList& validation) {
  const std::size_t first = validation.size();
  return Matcher::run(first + training.size(), first, first, true,
                      [&](std::size_t row) -> const RowSignature& {
                        return row < first ? validation[row] : training[row - first];
                      });
}

}  // namespace lore
