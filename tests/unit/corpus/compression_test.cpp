#include "lore/corpus/compression.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "lore/core/error.h"
#include "support/catch.h"

namespace {

/// Gives its bytes a few at a time.
class Dripping final : public lore::ByteSource {
 public:
  Dripping(std::string bytes, std::size_t at_once) : bytes_(std::move(bytes)), at_once_(at_once) {}
  std::size_t read(char* buffer, std::size_t size) override {
    const std::size_t count = std::min({size, at_once_, bytes_.size() - given_});
    std::memcpy(buffer, bytes_.data() + given_, count);
    given_ += count;
    return count;
  }

 private:
  std::string bytes_;
  std::size_t at_once_;
  std::size_t given_ = 0;
};

std::string gzip(const std::string& text) {
  z_stream stream = {};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string unpacked(const std::string& bytes, std::size_t at_once = 1 << 20) {
  const auto source = lore::decompressed(std::make_unique<Dripping>(bytes, at_once), "f");
  std::string text;
  char part[7];
  while (const std::size_t count = source->read(part, sizeof(part))) {
    text.append(part, count);
  }
  return text;
}

}  // namespace

TEST_CASE("bytes that nothing packed come as they are") {
  for (const char* text : {"", "a", "\x1f", "{\"a\": 1}\n"}) {
    CHECK(unpacked(text) == text);
  }
}

TEST_CASE("gzip is read in parts of any size, members one after another, zeros behind them") {
  const std::string text = std::string(300'000, 'a') + "end";
  for (const std::size_t at_once : {std::size_t{1}, std::size_t{3}, std::size_t{1} << 20}) {
    CHECK(unpacked(gzip(text), at_once) == text);
    CHECK(unpacked(gzip("ab") + gzip("") + gzip("c") + std::string(9, '\0'), at_once) == "abc");
  }
}

TEST_CASE("packed data that is cut short or followed by something is an error") {
  const std::string packed = gzip("some text");
  for (std::size_t size = 2; size < packed.size(); ++size) {
    CHECK_THROWS_AS(unpacked(packed.substr(0, size)), lore::Error);
  }
  CHECK_THROWS_AS(unpacked(packed + "x"), lore::Error);
  CHECK_THROWS_AS(unpacked(packed + std::string("\0x", 2)), lore::Error);
  CHECK_THROWS_AS(unpacked("\x28\xB5\x2F\xFDnonsense"), lore::Error);
}
