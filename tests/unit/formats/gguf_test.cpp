#include "lore/formats/gguf.h"

#include <limits>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/formats/fixtures.h"

using lore::GgmlType;
using lore::GgufFile;

namespace {

constexpr std::int32_t kFloat = 0;
constexpr std::int32_t kQ8_0 = 8;
constexpr std::int32_t kIq2Xxs = 16;

/// One value of every kind and two tensors.
GgufBuilder sound() {
  GgufBuilder builder;
  builder.value("general.architecture", kText, gguf_string("llama"))
      .value("u8", kU8, packed<std::uint8_t>(200))
      .value("i8", kI8, packed<std::int8_t>(-3))
      .value("u16", kU16, packed<std::uint16_t>(65535))
      .value("i16", kI16, packed<std::int16_t>(-300))
      .value("u32", kU32, packed<std::uint32_t>(4'000'000'000u))
      .value("i32", kI32, packed<std::int32_t>(-7))
      .value("u64", kU64, packed<std::uint64_t>(~0ull))
      .value("i64", kI64, packed<std::int64_t>(-(1ll << 40)))
      .value("f32", kF32, packed(1e-5f))
      .value("f64", kF64, packed(0.25))
      .value("bool", kBoolean, std::string(1, '\1'))
      .list("words", kText, 2, gguf_string("a") + gguf_string("风控"))
      .list("scores", kF32, 2, packed(-1.5f) + packed(2.0f))
      .list("types", kI32, 3, packed<std::int32_t>(1) + packed<std::int32_t>(-2) + packed<std::int32_t>(3))
      .tensor("token_embd.weight", {32, 2}, kQ8_0, 0)
      .tensor("norm", {3}, kFloat, 96);
  builder.data = std::string(96 + 12, '\1');
  return builder;
}

std::string outcome(const TemporaryFolder& folder, const std::string& text) {
  write_text(folder / "hostile.gguf", text);
  return refusal([&] { GgufFile::open(folder / "hostile.gguf"); });
}

}  // namespace

TEST_CASE("a GGUF file's values and tensors are read, in versions 2 and 3") {
  const TemporaryFolder folder;
  for (const std::uint32_t version : {2u, 3u}) {
    GgufBuilder builder = sound();
    builder.version = version;
    write_text(folder / "a.gguf", builder.text());
    const auto file = GgufFile::open(folder / "a.gguf");
    CHECK(file.version() == version);
    CHECK(file.keys().size() == 15);
    CHECK(file.text("general.architecture") == "llama");
    CHECK(file.integer("u8") == 200);
    CHECK(file.integer("i8") == -3);
    CHECK(file.integer("u16") == 65535);
    CHECK(file.integer("i16") == -300);
    CHECK(file.integer("u32") == 4'000'000'000);
    CHECK(file.integer("i32") == -7);
    CHECK(file.integer("i64") == -(1ll << 40));
    CHECK(file.real("f32") == static_cast<double>(1e-5f));
    CHECK(file.real("f64") == 0.25);
    CHECK(file.real("i32") == -7.0);
    CHECK(file.real("u64") == 18446744073709551615.0);
    CHECK(file.boolean("bool") == true);
    REQUIRE(file.strings("words") != nullptr);
    CHECK(*file.strings("words") == std::vector<std::string_view>{"a", "风控"});
    CHECK(file.reals("scores") == std::vector<float>{-1.5f, 2.0f});
    CHECK(file.reals("types") == std::vector<float>{1, -2, 3});
    CHECK(file.integers("types") == std::vector<std::int64_t>{1, -2, 3});
    CHECK(file.type_of("words") == "array of string");

    REQUIRE(file.tensors().size() == 2);
    const auto* embedding = file.find("token_embd.weight");
    REQUIRE(embedding != nullptr);
    CHECK(embedding->type == GgmlType::kQ8_0);
    CHECK(embedding->shape == std::vector<std::int64_t>{2, 32});
    CHECK(embedding->bytes.size() == 68);
    CHECK(file.find("norm")->bytes.size() == 12);
    CHECK(file.find("output") == nullptr);
  }
}

TEST_CASE("a key that is absent gives nothing") {
  const TemporaryFolder folder;
  write_text(folder / "a.gguf", GgufBuilder().text());
  const auto file = GgufFile::open(folder / "a.gguf");
  CHECK_FALSE(file.has("x"));
  CHECK_FALSE(file.integer("x"));
  CHECK_FALSE(file.real("x"));
  CHECK_FALSE(file.boolean("x"));
  CHECK_FALSE(file.text("x"));
  CHECK(file.strings("x") == nullptr);
  CHECK_FALSE(file.reals("x"));
  CHECK_FALSE(file.integers("x"));
  CHECK(file.type_of("x").empty());
}

TEST_CASE("a key of another type is refused, naming key and type") {
  const TemporaryFolder folder;
  write_text(folder / "a.gguf", sound().text());
  const auto file = GgufFile::open(folder / "a.gguf");
  CHECK(lacking(refusal([&] { file.integer("bool"); }), {"bool: expected an integer, got bool"}) == "");
  CHECK(lacking(refusal([&] { file.integer("f32"); }), {"f32: expected an integer, got float32"}) == "");
  CHECK(lacking(refusal([&] { file.integer("u64"); }), {"below 2^63, got uint64"}) == "");
  CHECK(lacking(refusal([&] { file.real("words"); }), {"expected a number, got array of string"}) == "");
  CHECK(lacking(refusal([&] { file.boolean("u8"); }), {"u8: expected a bool, got uint8"}) == "");
  CHECK(lacking(refusal([&] { file.text("i32"); }), {"i32: expected a string, got int32"}) == "");
  CHECK(lacking(refusal([&] { file.strings("scores"); }), {"expected an array of strings, got array of f"}) ==
        "");
  CHECK(lacking(refusal([&] { file.strings("f64"); }), {"expected an array of strings, got float64"}) == "");
  CHECK(lacking(refusal([&] { file.reals("words"); }), {"expected an array of numbers"}) == "");
  CHECK(lacking(refusal([&] { file.integers("scores"); }), {"expected an array of integers"}) == "");
}

TEST_CASE("the views outlive the object they were asked from while the file is held") {
  const TemporaryFolder folder;
  write_text(folder / "a.gguf", sound().text());
  std::shared_ptr<const lore::MappedFile> kept;
  std::string_view text;
  {
    const GgufFile file = GgufFile::open(folder / "a.gguf");
    const GgufFile copy = file;
    kept = copy.file();
    text = *copy.text("general.architecture");
    CHECK(copy.find("norm")->bytes.data() == file.find("norm")->bytes.data());
  }
  CHECK(text == "llama");
}

TEST_CASE("a tensor of a type that cannot be decoded can be looked at") {
  const TemporaryFolder folder;
  GgufBuilder builder;
  builder.tensor("a", {256, 3}, kIq2Xxs, 0);
  builder.data = std::string(198, '\0');
  write_text(folder / "a.gguf", builder.text());
  const auto file = GgufFile::open(folder / "a.gguf");
  CHECK(lore::name_of(file.tensors()[0].type) == "IQ2_XXS");
  CHECK(file.tensors()[0].bytes.size() == 198);
}

TEST_CASE("general.alignment is obeyed") {
  const TemporaryFolder folder;
  GgufBuilder builder;
  builder.value("general.alignment", kU32, packed<std::uint32_t>(64)).tensor("a", {1}, kFloat, 64);
  builder.data = std::string(64, '\0') + packed(2.5f);
  write_text(folder / "a.gguf", builder.text(64));
  CHECK(GgufFile::open(folder / "a.gguf").tensors()[0].bytes.size() == 4);
  builder.tensors.clear();
  builder.tensor("a", {1}, kFloat, 32);
  CHECK(lacking(outcome(folder, builder.text(64)), {"32 is not a multiple of the alignment 64"}) == "");
}

TEST_CASE("a GGUF file that is not one, or of another kind, is refused") {
  const TemporaryFolder folder;
  const auto versioned = [](std::uint32_t version) {
    GgufBuilder builder;
    builder.version = version;
    return builder.text();
  };
  CHECK(lacking(outcome(folder, ""), {"is truncated: the magic number at byte 0"}) == "");
  CHECK(lacking(outcome(folder, "GGML1234567890123456789012345"), {"is not a GGUF file"}) == "");
  CHECK(lacking(outcome(folder, versioned(1)), {"has GGUF version 1; only 2 and 3"}) == "");
  CHECK(lacking(outcome(folder, versioned(4)), {"has GGUF version 4"}) == "");
  CHECK(lacking(outcome(folder, versioned(0x03000000)), {"is a big-endian GGUF file"}) == "");
}

TEST_CASE("every prefix of a GGUF file is refused") {
  const TemporaryFolder folder;
  const std::string text = sound().text();
  for (std::size_t size = 0; size < text.size(); ++size) {
    INFO(size);
    CHECK(outcome(folder, text.substr(0, size)) != "nothing was refused");
  }
  CHECK(outcome(folder, text) == "nothing was refused");
}

TEST_CASE("hostile GGUF counts and sizes are refused before anything is allocated for them") {
  const TemporaryFolder folder;
  constexpr std::uint64_t kHuge = 1ull << 61;
  CHECK(lacking(outcome(folder, GgufBuilder().with_counts(kHuge, 0)),
                {"claims 2305843009213693952 tensors"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().with_counts(0, ~0ull)), {"metadata values, more than fit"}) ==
        "");
  CHECK(lacking(outcome(folder, GgufBuilder().value("a", kText, packed(~0ull)).text()),
                {"at most 67108864"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().value("a", kText, packed<std::uint64_t>(1 << 20)).text()),
                {"is truncated: the value of \"a\""}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().list("a", kF64, kHuge, "").text()),
                {"an array may have at most"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().list("a", kText, 1 << 20, "").text()),
                {"is truncated: the array"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().list("a", kText, 1, packed<std::uint64_t>(500)).text()),
                {"is truncated: the array \"a\""}) == "");
}

TEST_CASE("hostile GGUF metadata is refused, saying why") {
  const TemporaryFolder folder;
  const auto alignment = [](std::uint32_t value) {
    return GgufBuilder().value("general.alignment", kU32, packed(value)).text();
  };
  CHECK(lacking(outcome(folder, GgufBuilder().value("a", static_cast<GgufCode>(13), "xxxxxxxx").text()),
                {"the value of \"a\" has the unknown type 13"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().list("a", static_cast<GgufCode>(99), 1, "xxxx").text()),
                {"unknown type 99"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().list("a", kList, 1, "xxxxxxxxxxxx").text()),
                {"is an array of arrays"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().value("a", kBoolean, "\2").text()), {"is a bool of 2"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().value("a", kU8, "x").value("a", kU8, "y").text()),
                {"the metadata key \"a\" is given twice"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().value("", kU8, "x").text()), {"1 to 65535 are allowed"}) == "");
  CHECK(lacking(outcome(folder, alignment(0)), {"general.alignment is 0"}) == "");
  CHECK(lacking(outcome(folder, alignment(48)), {"general.alignment is 48"}) == "");
  CHECK(lacking(outcome(folder, alignment(1u << 21)), {"general.alignment is 2097152"}) == "");
  CHECK(lacking(outcome(folder, GgufBuilder().value("general.alignment", kText, gguf_string("32")).text()),
                {"general.alignment must be a uint32, not string"}) == "");
}

TEST_CASE("hostile GGUF tensors are refused, saying why") {
  const TemporaryFolder folder;
  constexpr std::int64_t kWide = std::int64_t{1} << 62;
  const auto with = [](GgufBuilder builder) {
    builder.data = std::string(256, '\0');
    return builder.text();
  };
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {kWide, 4}, kFloat, 0))), {"overflows"}) ==
        "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {kWide, kWide, 4, 4}, 24, 0))),
                {"overflows"}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {-1}, kFloat, 0))), {"-1 is negative"}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {1, 1, 1, 1, 1}, kFloat, 0))),
                {"has 5 dimensions"}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {1}, -1, 0))), {"the unknown type -1"}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {1}, 4, 0))), {"the unknown type 4"}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {31, 32}, kQ8_0, 0))),
                {"rows of 31 elements are not whole Q8_0 blocks of 32"}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {1}, kFloat, 4))), {"not a multiple of"}) ==
        "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {65}, kFloat, 0))), {"lie outside"}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {1}, kFloat, ~0ull - 31))), {"lie outside"}) ==
        "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {1}, kFloat, 0).tensor("a", {1}, kFloat, 32))),
                {"tensor \"a\": is given twice"}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("a", {9}, kFloat, 0).tensor("b", {1}, kFloat, 32))),
                {"tensor \"b\": overlaps the tensor \"a\""}) == "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor("", {1}, kFloat, 0))), {"the name is empty"}) ==
        "");
  CHECK(lacking(outcome(folder, with(GgufBuilder().tensor(std::string("a\0b", 3), {1}, kFloat, 0))),
                {"contains a NUL character"}) == "");
}

TEST_CASE("every known GGML type has a name and a block layout") {
  int known = 0;
  for (std::int32_t number = -2; number < 100; ++number) {
    const auto type = lore::ggml_type_from_number(number);
    if (!type) {
      continue;
    }
    ++known;
    CHECK(static_cast<std::int32_t>(*type) == number);
    CHECK(lore::name_of(*type) != "unknown");
    REQUIRE(lore::block_layout(*type));
    CHECK(lore::block_layout(*type)->bytes > 0);
  }
  CHECK(known == 34);
  CHECK(lore::name_of(GgmlType::kIQ2_XXS) == "IQ2_XXS");
  CHECK_FALSE(lore::block_layout(static_cast<GgmlType>(5)));
}
