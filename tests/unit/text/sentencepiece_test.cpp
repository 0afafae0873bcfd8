// Ids and texts are those that transformers 4.57.6 (AutoTokenizer, LlamaTokenizer) gives for the same files.

#include <array>

#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

namespace {

// Ids: 0 <unk>, 1 <s>, 2 </s>, 3 to 258 the bytes, then the pieces of `kPieces`.
constexpr std::array<std::pair<std::string_view, float>, 7> kPieces = {
    {{"▁", -10.f}, {"a", -11.f}, {"b", -12.f}, {"ab", -1.f}, {"▁a", -2.f}, {"▁ab", -0.5f}, {"▁▁", -3.f}}};
constexpr std::int32_t kMarker = 259, kB = 261, kAb = 262, kMarkerA = 263, kMarkerAb = 264, kTwoMarkers = 265;

enum PieceType { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

std::string field(int number, std::string_view bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} +
         std::string(bytes);
}

std::string piece(std::string_view text, float score, PieceType type) {
  return field(1, field(1, text) + '\x15' + packed(score) + '\x18' + static_cast<char>(type));
}

/// A serialized ModelProto; `model_type` is 2 for BPE.
std::string model(int model_type = 2) {
  std::string bytes = piece("<unk>", 0, kUnknown) + piece("<s>", 0, kControl) + piece("</s>", 0, kControl);
  for (int byte = 0; byte < 256; ++byte) {
    const char* digits = "0123456789ABCDEF";
    bytes += piece(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">", 0, kByte);
  }
  for (const auto& [text, score] : kPieces) bytes += piece(text, score, kNormal);
  const char byte_fallback[] = {'\x18', static_cast<char>(model_type), '\x98', '\x02', '\x01'};
  const char identity[] = {'\x18', '\x01', '\x20', '\x00'};  // add_dummy_prefix, no remove_extra_whitespaces
  return bytes + field(2, {byte_fallback, sizeof byte_fallback}) + field(3, {identity, sizeof identity});
}

TokenizerPointer load_model(const nlohmann::json& config, const std::string& bytes = model()) {
  TemporaryFolder folder;
  write_text(folder / "tokenizer.model", bytes);
  write_text(folder / "tokenizer_config.json", config.dump());
  return lore::load_tokenizer(folder.path());
}

}  // namespace

TEST_CASE("a tokenizer.model with legacy: true puts a space before each stretch of text") {
  for (const nlohmann::json& config : {nlohmann::json::object(), nlohmann::json{{"legacy", true}}}) {
    auto tokenizer = load_model(config);
    CHECK(tokenizer->encode("ab", true) == Ids{1, kMarkerAb});
    CHECK(tokenizer->encode(" ab", true) == Ids{1, kMarker, kMarkerAb});
    CHECK(tokenizer->encode("ab<s>ab", true) == Ids{1, kMarkerAb, 1, kMarkerAb});
    CHECK(tokenizer->encode("ab<s> ab", true) == Ids{1, kMarkerAb, 1, kMarker, kMarkerAb});
    CHECK(tokenizer->encode("a  b", true) == Ids{1, kMarkerA, kTwoMarkers, kB});
    CHECK(tokenizer->encode("", true) == Ids{1});
    CHECK(tokenizer->decode(Ids{1, kMarkerAb, 1, kMarkerAb}, false) == "<s> ab<s> ab");
    CHECK(tokenizer->decode(Ids{1, kMarkerAb, 1, kMarkerAb}, true) == "ab ab");
  }
}

TEST_CASE("with legacy: false only the beginning of a text gets a space, and only where there is none") {
  auto tokenizer = load_model({{"legacy", false}});
  CHECK(tokenizer->encode("ab", true) == Ids{1, kMarkerAb});
  CHECK(tokenizer->encode(" ab", true) == Ids{1, kMarkerAb});
  CHECK(tokenizer->encode("ab<s>ab", true) == Ids{1, kMarkerAb, 1, kAb});
  CHECK(tokenizer->encode("ab<s> ab", true) == Ids{1, kMarkerAb, 1, kMarkerAb});
  CHECK(tokenizer->decode(Ids{1, kMarkerAb, 1, kAb}, true) == "abab");
}

TEST_CASE("a character that is no piece becomes its bytes") {
  auto tokenizer = load_model(nlohmann::json::object());
  CHECK(tokenizer->encode("é", true) == Ids{1, kMarker, 0xC3 + 3, 0xA9 + 3});
  CHECK(tokenizer->decode(Ids{1, kMarker, 0xC3 + 3, 0xA9 + 3}, true) == "é");
}

TEST_CASE("special tokens around a text follow the configuration") {
  CHECK(load_model({{"add_bos_token", false}, {"add_eos_token", true}})->encode("ab", true) ==
        Ids{kMarkerAb, 2});
  auto tokenizer = load_model(nlohmann::json::object());
  CHECK(tokenizer->special_tokens().bos == 1);
  CHECK(tokenizer->special_tokens().unk == 0);
  CHECK(tokenizer->size() == 266);
}

TEST_CASE("a sentencepiece model that is not BPE, or damaged, is refused by name") {
  const nlohmann::json none = nlohmann::json::object();
  CHECK(lacking(refusal([&] { load_model(none, model(1)); }), {"tokenizer.model", "Unigram", "BPE"}).empty());
  CHECK(lacking(refusal([&] { load_model(none, model(3)); }), {"word"}).empty());
  CHECK(lacking(refusal([&] { load_model(none, model().substr(0, 500)); }), {"not a sentencepiece model"})
            .empty());
  CHECK(lacking(refusal([&] { load_model(none, ""); }), {"no pieces"}).empty());
  CHECK(lacking(refusal([&] {
                  load_model({{"tokenizer_class", "Qwen2Tokenizer"}});
                }),
                {"LlamaTokenizer"})
            .empty());
}
