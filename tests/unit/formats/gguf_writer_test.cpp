#include "lore/formats/gguf_writer.h"

#include <array>
#include <cstring>

#include "lore/core/error.h"
#include "lore/formats/gguf.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using lore::GgmlType;

TEST_CASE("A GGUF file is read back as it was written, every type of value") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.gguf";
  lore::GgufMetadata metadata;
  metadata.number("u8", std::uint8_t{255});
  metadata.number("i8", std::int8_t{-128});
  metadata.number("u16", std::uint16_t{65535});
  metadata.number("i16", std::int16_t{-32768});
  metadata.number("u32", std::uint32_t{4294967295});
  metadata.number("i32", std::int32_t{-7});
  metadata.number("u64", std::uint64_t{1099511627776});
  metadata.number("i64", std::int64_t{-1099511627776});
  metadata.number("f32", 0.1F);
  metadata.number("f64", 0.1);
  metadata.number("flag", true);
  metadata.text("text", "风控 \"x\"\n");
  const std::array<std::string, 3> texts{"a", "", "供应链"};
  metadata.texts("texts", texts);
  const std::array<float, 2> floats{1.5F, -2.5F};
  metadata.numbers<float>("floats", floats);
  const std::array<std::int32_t, 3> integers{1, -2, 3};
  metadata.numbers<std::int32_t>("integers", integers);

  const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  const std::array<std::byte, 34> block{std::byte{7}};
  lore::GgufWriter writer(path, metadata,
                          {{"one", GgmlType::kF32, {2, 3}}, {"two", GgmlType::kQ8_0, {1, 32}}});
  writer.write(1, 0, block);
  writer.write(0, 12, std::as_bytes(std::span(values).subspan(3)));
  writer.write(0, 0, std::as_bytes(std::span(values).first(3)));
  CHECK_FALSE(std::filesystem::exists(path));
  writer.commit();
  CHECK(std::filesystem::file_size(path) == writer.file_size());

  const lore::GgufFile file = lore::GgufFile::open(path);
  CHECK(file.version() == 3);
  CHECK(file.integer("u8") == 255);
  CHECK(file.integer("i8") == -128);
  CHECK(file.integer("u16") == 65535);
  CHECK(file.integer("i16") == -32768);
  CHECK(file.integer("u32") == 4294967295);
  CHECK(file.integer("i32") == -7);
  CHECK(file.integer("u64") == 1099511627776);
  CHECK(file.integer("i64") == -1099511627776);
  CHECK(file.type_of("f32") == "float32");
  CHECK(file.real("f64") == 0.1);
  CHECK(file.boolean("flag") == true);
  CHECK(file.text("text") == "风控 \"x\"\n");
  REQUIRE(file.strings("texts") != nullptr);
  CHECK(file.strings("texts")->at(2) == "供应链");
  CHECK(file.reals("floats") == std::vector<float>{1.5F, -2.5F});
  CHECK(file.integers("integers") == std::vector<std::int64_t>{1, -2, 3});
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.find("one")->shape == std::vector<std::int64_t>{2, 3});
  CHECK(std::memcmp(file.find("one")->bytes.data(), values.data(), sizeof values) == 0);
  CHECK(std::memcmp(file.find("two")->bytes.data(), block.data(), block.size()) == 0);
  for (const lore::GgufTensor& tensor : file.tensors()) {
    CHECK((tensor.bytes.data() - file.file()->bytes().data()) % 32 == 0);
  }

  lore::GgufMetadata copy;
  for (const std::string& key : file.keys()) {
    copy.copy(key, *file.value(key));
  }
  lore::GgufWriter(folder.path() / "copy.gguf", copy, {}).commit();
  const lore::GgufFile again = lore::GgufFile::open(folder.path() / "copy.gguf");
  for (const std::string& key : file.keys()) {
    CHECK(again.type_of(key) == file.type_of(key));
  }
  CHECK(*again.strings("texts") == *file.strings("texts"));
  CHECK(again.reals("floats") == file.reals("floats"));
}

TEST_CASE("A GGUF file that is given up leaves nothing") {
  const TemporaryFolder folder;
  { const lore::GgufWriter writer(folder.path() / "x.gguf", {}, {{"one", GgmlType::kF16, {4}}}); }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("What a GGUF file cannot hold is a mistake of the caller") {
  const TemporaryFolder folder;
  const auto write = [&](std::vector<lore::GgufTensorSpec> tensors) {
    const lore::GgufWriter writer(folder.path() / "x.gguf", {}, std::move(tensors));
  };
  CHECK_THROWS_AS(write({{"one", GgmlType::kF32, {1}}, {"one", GgmlType::kF32, {1}}}), lore::Error);
  CHECK_THROWS_AS(write({{"one", GgmlType::kQ8_0, {2, 31}}}), lore::Error);
  CHECK_THROWS_AS(write({{std::string(64, 'x'), GgmlType::kF32, {1}}}), lore::Error);
  CHECK_THROWS_AS(write({{"one", GgmlType::kF32, {1, 1, 1, 1, 1}}}), lore::Error);
  CHECK_THROWS_AS(write({{"one", GgmlType::kF32, {1LL << 40, 1LL << 40}}}), lore::Error);
  lore::GgufMetadata metadata;
  metadata.number("key", 1.0F);
  CHECK_THROWS_AS(metadata.text("key", "x"), lore::Error);
  lore::GgufWriter writer(folder.path() / "y.gguf", {}, {{"one", GgmlType::kF16, {4}}});
  const std::array<std::byte, 4> bytes{};
  CHECK_THROWS_AS(writer.write(0, 6, bytes), lore::Error);
}
