#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/corpus/near_duplicates.h"
#include "lore/data/append_file.h"
#include "lore/data/example.h"

namespace lore {

/// The layout of a file of tokenized examples: a header, then one section after another.
///
///     data       for each example its ids [T] int32 and its loss mask [T] uint8, padded to 4 bytes
///     examples   an Entry for each example
///     rows       a Place for each row that gave one
///     signatures of the rows, or nothing
///     bad        JSON lines {"source", "why", "row"} of the rows that cannot be used
///     left_out   the same of what was left out because it is too long
///     summary    a JSON object: what the builder of the cache wants to keep, and the names of the files
///
/// Numbers are as this machine has them: a cache is never carried to another. The header holds where each
/// section lies and the SHA-256 of all but the data; each Entry holds the CRC-32 of its data.
struct TokenCacheLayout {
  enum Section { kData, kExamples, kRows, kSignatures, kBad, kLeftOut, kSummary, kSections };

  struct Entry {
    std::uint64_t offset;  ///< in the data section
    std::uint32_t length;
    std::uint32_t trained;  ///< labels
    std::uint32_t checksum;
    std::uint32_t row;
  };
  struct Place {
    std::uint64_t line;  ///< 0 where the file's name says it all
    std::uint32_t file;
    std::uint32_t unused;
  };
  struct Header {
    std::array<char, 8> magic;
    std::array<char, 64> key;
    std::array<std::array<std::uint64_t, 2>, kSections> sections;  ///< offset, size
    std::array<char, 64> index_sha256;                             ///< of all sections but the data
    std::array<char, 64> header_sha256;                            ///< of all above
  };
};

/// Writes a file of tokenized examples as they come, in a bounded amount of memory.
class TokenCacheWriter {
 public:
  /// Writes to `descriptor`, which it owns, an empty file that may be read, too. What belongs behind the data
  /// waits in unnamed files in `folder`. Throws: Error kResources, as all below.
  TokenCacheWriter(int descriptor, const std::filesystem::path& folder, const std::string& key);
  ~TokenCacheWriter();

  /// The row that the examples after it come from. `source` is "file:line". With a signature for each row or
  /// for none.
  void add_row(std::string_view source, const std::optional<RowSignature>& signature);
  void add_example(const Example& example);
  /// A row that cannot be used, or one left out. `row` is its text.
  void add_bad(std::string_view source, std::string_view why, std::string_view row);
  void add_left_out(std::string_view source, std::string_view why, std::string_view row);
  /// Completes the file and flushes it to disk.
  void finish(nlohmann::ordered_json summary);

 private:
  using Layout = TokenCacheLayout;

  AppendFile file_;
  std::vector<std::unique_ptr<AppendFile>> waiting_;  ///< by section
  std::string key_;
  std::map<std::string, std::uint32_t, std::less<>> names_;
  std::uint32_t rows_ = 0;
  std::int32_t largest_id_ = -1;
};

/// A file of tokenized examples, memory-mapped. Everything it says of itself was checked when it was opened.
class TokenCache {
 public:
  /// Takes `descriptor`, and keeps it open. Throws: Error kInput, subject `name`, for a file that is damaged
  /// or has another key; kResources.
  static std::shared_ptr<const TokenCache> open(int descriptor, const std::string& name,
                                                const std::string& key);
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;
  ~TokenCache();

  std::int64_t count() const { return static_cast<std::int64_t>(entries_.size()); }
  /// Throws: Error kInput when its bytes are not those that were written.
  ExampleView view(std::int64_t example) const;
  std::int64_t length(std::int64_t example) const { return entry(example).length; }
  /// The labels an example gives.
  std::int64_t trained(std::int64_t example) const { return entry(example).trained; }
  std::int64_t row(std::int64_t example) const { return entry(example).row; }

  std::int64_t rows() const { return static_cast<std::int64_t>(places_.size()); }
  /// "file:line" of a row.
  std::string source(std::int64_t row) const;
  /// True where two rows were made of one row of the file.
  bool same_source(std::int64_t row, std::int64_t other) const;
  /// One for each row, or none.
  std::span<const RowSignature> signatures() const { return signatures_; }

  /// JSON lines.
  std::string_view bad() const { return text(TokenCacheLayout::kBad); }
  std::string_view left_out() const { return text(TokenCacheLayout::kLeftOut); }
  const nlohmann::ordered_json& summary() const { return summary_; }
  /// The largest token id, -1 without examples.
  std::int32_t largest_id() const { return largest_id_; }
  int descriptor() const { return descriptor_; }

 private:
  using Layout = TokenCacheLayout;

  TokenCache(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  void map();
  void check_header(const std::string& key);
  void check_index();
  [[noreturn]] void damaged(std::string_view why) const;
  const Layout::Entry& entry(std::int64_t example) const {
    return entries_[static_cast<std::size_t>(example)];
  }
  std::string_view text(Layout::Section section) const;
  template <class T>
  std::span<const T> table(Layout::Section section) const;

  int descriptor_;
  std::string name_;
  std::span<const std::byte> bytes_;
  Layout::Header header_{};
  std::span<const Layout::Entry> entries_;
  std::span<const Layout::Place> places_;
  std::span<const RowSignature> signatures_;
  std::vector<std::string> names_;
  nlohmann::ordered_json summary_;
  std::int32_t largest_id_ = -1;
};

}  // namespace lore
