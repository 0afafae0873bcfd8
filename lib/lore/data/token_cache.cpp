#include "lore/data/token_cache.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "lore/core/error.h"
#include "lore/core/sha256.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;
using Layout = TokenCacheLayout;

static_assert(std::is_trivially_copyable_v<RowSignature> && std::is_trivially_copyable_v<Layout::Header>);

constexpr std::array<char, 8> kMagic = {'L', 'O', 'R', 'E', 'T', 'O', 'K', '1'};
constexpr std::size_t kAlignment = 64;

std::uint32_t checksum(std::span<const std::int32_t> ids, std::span<const std::uint8_t> trained) {
  uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(ids.data()), ids.size_bytes());
  crc = crc32_z(crc, trained.data(), trained.size_bytes());
  return static_cast<std::uint32_t>(crc);
}

std::string sha256_of(const Layout::Header& header) {
  return sha256_hex(std::as_bytes(std::span(&header, 1)).first(offsetof(Layout::Header, header_sha256)));
}

void copy_hex(std::array<char, 64>& to, const std::string& hex) {
  std::copy_n(hex.begin(), std::min(hex.size(), to.size()), to.begin());
}

std::string line_of(std::string_view source, std::string_view why, std::string_view row) {
  const Json line{{"source", source}, {"why", why}, {"row", row}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// "file:12" as "file" and 12; what is not of that form has no line.
std::pair<std::string_view, std::uint64_t> parse_source(std::string_view source) {
  const std::size_t colon = source.rfind(':');
  std::uint64_t line = 0;
  if (colon == std::string_view::npos || colon + 1 == source.size() || source[colon + 1] == '0') {
    return {source, 0};
  }
  const char* end = source.data() + source.size();
  const auto [stop, error] = std::from_chars(source.data() + colon + 1, end, line);
  return error == std::errc() && stop == end ? std::pair(source.substr(0, colon), line)
                                             : std::pair(source, std::uint64_t{0});
}

}  // namespace

TokenCacheWriter::TokenCacheWriter(int descriptor, const std::filesystem::path& folder,
                                   const std::string& key)
    : file_(descriptor, "the token cache in " + folder.string()), key_(key) {
  for (int section = Layout::kExamples; section < Layout::kSummary; ++section) {
    waiting_.push_back(
        std::make_unique<AppendFile>(open_unnamed_file(folder), "a temporary file in " + folder.string()));
  }
  // The header comes last: until then the file is not one.
  file_.append(std::vector<std::byte>(sizeof(Layout::Header)));
  file_.align(kAlignment);
}

TokenCacheWriter::~TokenCacheWriter() = default;

void TokenCacheWriter::add_row(std::string_view source, const std::optional<RowSignature>& signature) {
  const auto [name, line] = parse_source(source);
  auto found = names_.find(name);
  if (found == names_.end()) {
    found = names_.emplace(name, static_cast<std::uint32_t>(names_.size())).first;
  }
  waiting_[Layout::kRows - 1]->append_value(Layout::Place{line, found->second, 0});
  if (signature) {
    waiting_[Layout::kSignatures - 1]->append_value(*signature);
  }
  if (++rows_ == 0) {
    throw Error(ErrorKind::kUsage, "data", "a source takes at most 2^32 - 1 rows");
  }
}

void TokenCacheWriter::add_example(const Example& example) {
  file_.align(alignof(std::int32_t));
  const std::uint64_t begin = (sizeof(Layout::Header) + kAlignment - 1) / kAlignment * kAlignment;
  waiting_[Layout::kExamples - 1]->append_value(Layout::Entry{
      file_.size() - begin, static_cast<std::uint32_t>(example.ids.size()),
      static_cast<std::uint32_t>(count_trained(example)), checksum(example.ids, example.trained), rows_ - 1});
  file_.append(std::as_bytes(std::span(example.ids)));
  file_.append(std::as_bytes(std::span(example.trained)));
  for (const std::int32_t id : example.ids) {
    largest_id_ = std::max(largest_id_, id);
  }
}

void TokenCacheWriter::add_bad(std::string_view source, std::string_view why, std::string_view row) {
  const std::string line = line_of(source, why, row);
  waiting_[Layout::kBad - 1]->append(std::as_bytes(std::span(line)));
}

void TokenCacheWriter::add_left_out(std::string_view source, std::string_view why, std::string_view row) {
  const std::string line = line_of(source, why, row);
  waiting_[Layout::kLeftOut - 1]->append(std::as_bytes(std::span(line)));
}

void TokenCacheWriter::finish(Json summary) {
  Layout::Header header{};
  header.magic = kMagic;
  copy_hex(header.key, key_);
  const std::uint64_t begin = (sizeof(Layout::Header) + kAlignment - 1) / kAlignment * kAlignment;
  header.sections[Layout::kData] = {begin, file_.size() - begin};
  Sha256 hash;
  const auto append = [&](std::span<const std::byte> bytes) {
    hash.update(bytes);
    file_.append(bytes);
  };
  std::vector<std::byte> part(std::size_t{1} << 20);
  for (int section = Layout::kExamples; section < Layout::kSummary; ++section) {
    AppendFile& from = *waiting_[static_cast<std::size_t>(section) - 1];
    file_.align(kAlignment);
    header.sections[static_cast<std::size_t>(section)] = {file_.size(), from.size()};
    for (std::uint64_t at = 0; at < from.size(); at += part.size()) {
      const auto bytes = std::span(part).first(std::min<std::uint64_t>(part.size(), from.size() - at));
      from.read(at, bytes);
      append(bytes);
    }
  }
  std::vector<std::string> names(names_.size());
  for (const auto& [name, number] : names_) {
    names[number] = name;
  }
  const std::string text =
      Json{{"summary", std::move(summary)}, {"files", names}, {"largest_id", largest_id_}}.dump(
          -1, ' ', false, Json::error_handler_t::replace);
  file_.align(kAlignment);
  header.sections[Layout::kSummary] = {file_.size(), text.size()};
  append(std::as_bytes(std::span(text)));
  copy_hex(header.index_sha256, hash.hex());
  copy_hex(header.header_sha256, sha256_of(header));
  file_.overwrite(0, std::as_bytes(std::span(&header, 1)));
  if (::fsync(file_.descriptor()) != 0) {
    throw Error(ErrorKind::kResources, "the token cache",
                std::string("cannot be flushed to disk: ") + std::strerror(errno));
  }
}

std::shared_ptr<const TokenCache> TokenCache::open(int descriptor, const std::string& name,
                                                   const std::string& key) {
  std::shared_ptr<TokenCache> cache(new TokenCache(descriptor, name));
  cache->map();
  cache->check_header(key);
  cache->check_index();
  return cache;
}

TokenCache::~TokenCache() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
  ::close(descriptor_);
}

void TokenCache::damaged(std::string_view why) const {
  throw Error(ErrorKind::kInput, name_, fmt::format("is damaged: {}", why));
}

void TokenCache::map() {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0 || info.st_size < static_cast<off_t>(sizeof(Layout::Header))) {
    damaged("it is too short");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (data == MAP_FAILED) {
    throw Error(ErrorKind::kResources, name_,
                std::string("cannot be memory-mapped: ") + std::strerror(errno));
  }
  bytes_ = {static_cast<const std::byte*>(data), size};
}

void TokenCache::check_header(const std::string& key) {
  std::memcpy(&header_, bytes_.data(), sizeof header_);
  const auto is = [](const std::array<char, 64>& text, const std::string& expected) {
    return std::string_view(text.data(), text.size()) == expected;
  };
  if (header_.magic != kMagic || !is(header_.header_sha256, sha256_of(header_))) {
    damaged("its header is not what was written");
  }
  if (!is(header_.key, key)) {
    damaged("it was made of something else");
  }
  std::uint64_t end = sizeof(Layout::Header);
  for (const auto& [offset, size] : header_.sections) {
    if (offset % kAlignment != 0 || offset < end || offset > bytes_.size() || size > bytes_.size() - offset) {
      damaged("it is too short");
    }
    end = offset + size;
  }
  if (end != bytes_.size()) {
    damaged("it is too long");
  }
}

std::string_view TokenCache::text(Layout::Section section) const {
  const auto [offset, size] = header_.sections[section];
  return {reinterpret_cast<const char*>(bytes_.data()) + offset, size};
}

template <class T>
std::span<const T> TokenCache::table(Layout::Section section) const {
  const auto [offset, size] = header_.sections[section];
  if (size % sizeof(T) != 0) {
    damaged("a table of it is cut off");
  }
  return {reinterpret_cast<const T*>(bytes_.data() + offset), size / sizeof(T)};
}

void TokenCache::check_index() {
  Sha256 hash;
  for (int section = Layout::kExamples; section < Layout::kSections; ++section) {
    hash.update(text(static_cast<Layout::Section>(section)));
  }
  if (std::string_view(header_.index_sha256.data(), 64) != hash.hex()) {
    damaged("its index is not what was written");
  }
  try {
    Json all = Json::parse(text(Layout::kSummary));
    summary_ = std::move(all.at("summary"));
    names_ = all.at("files").get<std::vector<std::string>>();
    largest_id_ = all.at("largest_id").get<std::int32_t>();
  } catch (const Json::exception&) {
    damaged("its summary cannot be read");
  }
  entries_ = table<Layout::Entry>(Layout::kExamples);
  places_ = table<Layout::Place>(Layout::kRows);
  signatures_ = table<RowSignature>(Layout::kSignatures);
  if (!signatures_.empty() && signatures_.size() != places_.size()) {
    damaged("it has not a signature for each row");
  }
  const std::uint64_t size = header_.sections[Layout::kData][1];
  std::uint32_t row = 0;
  for (const Layout::Entry& entry : entries_) {
    const std::uint64_t bytes = std::uint64_t{entry.length} * (sizeof(std::int32_t) + 1);
    if (entry.offset % sizeof(std::int32_t) != 0 || entry.offset > size || bytes > size - entry.offset ||
        entry.trained > entry.length || entry.row >= places_.size() || entry.row < row) {
      damaged("an example lies outside of it");
    }
    row = entry.row;
  }
  for (const Layout::Place& place : places_) {
    if (place.file >= names_.size()) {
      damaged("a row names no file");
    }
  }
}

ExampleView TokenCache::view(std::int64_t example) const {
  const Layout::Entry& found = entry(example);
  const std::byte* data = bytes_.data() + header_.sections[Layout::kData][0] + found.offset;
  ExampleView view{
      {reinterpret_cast<const std::int32_t*>(data), found.length},
      {reinterpret_cast<const std::uint8_t*>(data) + found.length * sizeof(std::int32_t), found.length},
      source(found.row)};
  if (checksum(view.ids, view.trained) != found.checksum) {
    damaged(fmt::format("the tokens of {} are not what was written; remove it, and it is made anew",
                        view.source));
  }
  return view;
}

std::string TokenCache::source(std::int64_t row) const {
  const Layout::Place& place = places_[static_cast<std::size_t>(row)];
  return place.line == 0 ? names_[place.file] : fmt::format("{}:{}", names_[place.file], place.line);
}

bool TokenCache::same_source(std::int64_t row, std::int64_t other) const {
  const Layout::Place& a = places_[static_cast<std::size_t>(row)];
  const Layout::Place& b = places_[static_cast<std::size_t>(other)];
  return a.file == b.file && a.line == b.line;
}

}  // namespace lore
