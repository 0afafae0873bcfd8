#include "lore/text/gguf_tokenizer.h"

#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

namespace {

using Texts = std::vector<std::string>;

GgufBuilder& add_texts(GgufBuilder& builder, const std::string& key, const Texts& texts) {
  std::string bytes;
  for (const std::string& text : texts) bytes += gguf_string(text);
  return builder.list("tokenizer.ggml." + key, kText, texts.size(), bytes);
}

GgufBuilder& add_types(GgufBuilder& builder, const std::vector<std::int32_t>& types) {
  std::string bytes;
  for (std::int32_t type : types) bytes += packed(type);
  return builder.list("tokenizer.ggml.token_type", kI32, types.size(), bytes);
}

GgufBuilder& add_id(GgufBuilder& builder, const std::string& key, std::uint32_t id) {
  return builder.value("tokenizer.ggml." + key, kU32, packed(id));
}

/// Bytes 0 to 255, "Ġa", "12", "123", a control and a user-defined token.
GgufBuilder byte_level(const std::string& pre) {
  Texts tokens;
  for (int byte = 0; byte < 256; ++byte) {
    char raw = static_cast<char>(byte);
    tokens.push_back(lore::spell_bytes({&raw, 1}));
  }
  for (const char* token : {"Ġa", "12", "123", "<|begin|>", "<tool>"}) tokens.emplace_back(token);
  std::vector<std::int32_t> types(tokens.size(), 1);
  types[259] = 3;
  types[260] = 4;
  GgufBuilder builder;
  builder.value("tokenizer.ggml.model", kText, gguf_string("gpt2"));
  builder.value("tokenizer.ggml.pre", kText, gguf_string(pre));
  add_texts(builder, "tokens", tokens);
  add_texts(builder, "merges", {"Ġ a", "1 2", "12 3"});
  add_types(builder, types);
  add_id(builder, "bos_token_id", 259);
  return builder;
}

/// 0 <unk>, 1 <s>, the bytes of é, and a few pieces.
GgufBuilder sentencepiece() {
  GgufBuilder builder;
  builder.value("tokenizer.ggml.model", kText, gguf_string("llama"));
  add_texts(builder, "tokens", {"<unk>", "<s>", "<0xC3>", "<0xA9>", "▁", "a", "b", "ab", "▁ab"});
  std::string scores;
  for (float score : {0.f, 0.f, 0.f, 0.f, -10.f, -11.f, -12.f, -1.f, -0.5f}) scores += packed(score);
  builder.list("tokenizer.ggml.scores", kF32, 9, scores);
  add_types(builder, {2, 3, 6, 6, 1, 1, 1, 1, 1});
  add_id(builder, "bos_token_id", 1);
  add_id(builder, "unknown_token_id", 0);
  return builder;
}

TokenizerPointer load_gguf(const GgufBuilder& builder) {
  TemporaryFolder folder;
  write_text(folder / "model.gguf", builder.text());
  return lore::load_tokenizer(folder / "model.gguf");
}

}  // namespace

TEST_CASE("a byte-level vocabulary splits as its pre says") {
  CHECK(load_gguf(byte_level("gpt-2"))->encode("1234 a", false) == Ids{258, '4', 256});
  CHECK(load_gguf(byte_level("smollm"))->encode("12 a", false) == Ids{'1', '2', 256});
  CHECK(load_gguf(byte_level("qwen2"))->encode("12e\u0301", false) == Ids{'1', '2', 0xC3, 0xA9});
  CHECK(load_gguf(byte_level("llama-bpe"))->encode("1231", false) == Ids{258, '1'});
}

TEST_CASE("control and user-defined tokens are cut from the text, and only the first are special") {
  auto tokenizer = load_gguf(byte_level("smollm"));
  CHECK(tokenizer->encode("a<|begin|><tool>", false) == Ids{'a', 259, 260});
  CHECK(tokenizer->decode(Ids{'a', 259, 260}, true) == "a<tool>");
  CHECK(tokenizer->special_tokens().bos == 259);
}

TEST_CASE("a BOS is put in front where the metadata or the family says so") {
  CHECK(load_gguf(byte_level("smollm"))->encode("a", true) == Ids{'a'});
  CHECK(load_gguf(byte_level("llama-bpe"))->encode("a", true) == Ids{259, 'a'});
  GgufBuilder builder = byte_level("llama-bpe");
  builder.value("tokenizer.ggml.add_bos_token", kBoolean, std::string(1, '\0'));
  CHECK(load_gguf(builder)->encode("a", true) == Ids{'a'});
}

TEST_CASE("a sentencepiece vocabulary merges by scores, with a space in front and bytes for the rest") {
  auto tokenizer = load_gguf(sentencepiece());
  CHECK(tokenizer->encode("ab ab", true) == Ids{1, 8, 8});
  CHECK(tokenizer->encode("abé", false) == Ids{8, 2, 3});
  CHECK(tokenizer->encode("ab<s>ab", false) == Ids{8, 1, 8});
  CHECK(tokenizer->encode("x", false) == Ids{4, 0});
  CHECK(tokenizer->decode(Ids{1, 8, 2, 3}, true) == "abé");
  GgufBuilder builder = sentencepiece();
  builder.value("tokenizer.ggml.add_space_prefix", kBoolean, std::string(1, '\0'));
  CHECK(load_gguf(builder)->encode("ab ab", false) == Ids{7, 8});
}

TEST_CASE("metadata that is missing, inconsistent or not supported is named") {
  CHECK(lacking(refusal([] { load_gguf(byte_level("gpt-9000")); }), {"tokenizer.ggml.pre", "gpt-9000"})
            .empty());
  GgufBuilder builder;
  CHECK(lacking(refusal([&] { load_gguf(builder); }), {"tokenizer.ggml.model", "missing"}).empty());
  builder.value("tokenizer.ggml.model", kText, gguf_string("bert"));
  CHECK(lacking(refusal([&] { load_gguf(builder); }), {"tokenizer.ggml.tokens", "missing"}).empty());
  add_texts(builder, "tokens", {"a"});
  CHECK(lacking(refusal([&] { load_gguf(builder); }), {"\"bert\" is not supported"}).empty());
  builder = byte_level("smollm");
  add_id(builder, "eos_token_id", 261);
  CHECK(lacking(refusal([&] { load_gguf(builder); }), {"eos_token_id", "261"}).empty());
}
