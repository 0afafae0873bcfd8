#include "lore/formats/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/formats/fixtures.h"

using lore::DType;
using lore::SafetensorsFile;
using lore::TensorView;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// A header entry of `name` as an F32 vector at the given bytes.
std::string vector_entry(const std::string& name, int count, int begin, int end) {
  return fmt::format(R"("{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})", name, count, begin,
                     end);
}

std::string header_of(const std::vector<std::string>& entries) {
  return fmt::format("{{{}}}", fmt::join(entries, ","));
}

}  // namespace

TEST_CASE("every dtype's name leads back to it") {
  for (const DType dtype :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI8, DType::kU8, DType::kI16, DType::kI32,
        DType::kI64, DType::kBool, DType::kF8E4M3, DType::kF8E5M2}) {
    CHECK(lore::dtype_from_name(lore::name_of(dtype)) == dtype);
  }
  CHECK(lore::name_of(DType::kF8E4M3) == "F8_E4M3");
  CHECK(lore::size_of(DType::kBF16) == 2);
  CHECK_FALSE(lore::dtype_from_name("float32"));
}

TEST_CASE("tensors come back sorted by name, mapped, with their metadata") {
  const TemporaryFolder folder;
  write_text(folder / "a.safetensors",
             safetensors_text(
                 R"({"__metadata__":{"format":"pt"},"b":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]},)"
                 R"("a":{"dtype":"F32","shape":[],"data_offsets":[4,8]},)"
                 R"("empty":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]}}   )",
                 8));
  const auto file = SafetensorsFile::open(folder / "a.safetensors");
  REQUIRE(file.tensors().size() == 3);
  CHECK(file.tensors()[0].name == "a");
  CHECK(file.tensors()[0].shape.empty());
  CHECK(file.tensors()[1].name == "b");
  CHECK(file.metadata().at("format") == "pt");
  REQUIRE(file.find("b") != nullptr);
  CHECK(file.find("b")->shape == std::vector<std::int64_t>{2, 2});
  CHECK(file.find("b")->bytes[3] == std::byte{3});
  CHECK(file.find("b")->bytes.data() > file.file()->bytes().data());
  CHECK(file.find("empty")->bytes.empty());
  CHECK(file.find("c") == nullptr);
}

TEST_CASE("a file is written byte for byte as Hugging Face's library writes it") {
  // safetensors.numpy.save({"z": int8 [3], "b": float16 [1], "a": float32 [1], "i": int64 [1], "t": bool
  // [1]}, metadata={"format": "pt"}) of safetensors 0.8.0, with all bytes 1.
  const TemporaryFolder folder;
  const std::string ones(8, '\1');
  const auto part = [&](std::size_t size) { return bytes_of(std::string_view(ones).substr(0, size)); };
  lore::write_safetensors(folder / "a.safetensors",
                          {{"z", DType::kI8, {3}, part(3)},
                           {"t", DType::kBool, {1}, part(1)},
                           {"b", DType::kF16, {1}, part(2)},
                           {"a", DType::kF32, {1}, part(4)},
                           {"i", DType::kI64, {1}, part(8)}},
                          {{"format", "pt"}});
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"b":{"dtype":"F16","shape":[1],"data_offsets":[12,14]},)"
      R"("z":{"dtype":"I8","shape":[3],"data_offsets":[14,17]},"t":{"dtype":"BOOL","shape":[1],"data_offsets":[17,18]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  CHECK(read_text(folder / "a.safetensors") ==
        packed<std::uint64_t>(header.size() + padding.size()) + header + padding + std::string(18, '\1'));
  CHECK(SafetensorsFile::open(folder / "a.safetensors").tensors().size() == 5);
}

TEST_CASE("a tensor whose bytes do not fit its shape, or one named twice, is not written") {
  const TemporaryFolder folder;
  const std::string four(4, '\0');
  const TensorView tensor{"a", DType::kF32, {1}, bytes_of(four)};
  CHECK_THROWS_AS(lore::write_safetensors(folder / "a", {{"a", DType::kF32, {2}, bytes_of(four)}}, {}),
                  lore::Error);
  CHECK_THROWS_AS(lore::write_safetensors(folder / "a", {tensor, tensor}, {}), lore::Error);
  CHECK_FALSE(std::filesystem::exists(folder / "a"));
}

TEST_CASE("a hostile or damaged safetensors file is refused, saying why") {
  const auto entry = [](std::string_view fields) { return "{\"a\":{" + std::string(fields) + "}}"; };
  const struct {
    std::string text;
    std::string expected;
  } cases[] = {
      {"", "it has only 0 bytes"},
      {"1234567", "it has only 7 bytes"},
      {packed<std::uint64_t>(100'000'001) + "{}", "a header of 100000001 bytes"},
      {packed<std::uint64_t>(~0ull) + "{}", "a header of 18446744073709551615 bytes"},
      {packed<std::uint64_t>(3) + "{}", "is truncated: a header of 3 bytes in a file of 10"},
      {packed<std::uint64_t>(0), "does not begin with '{'"},
      {safetensors_text(" {}", 0), "does not begin with '{'"},
      {safetensors_text("[]", 0), "does not begin with '{'"},
      {safetensors_text("{\"a\":", 0), "not valid JSON"},
      {safetensors_text("{} x", 0), "not valid JSON"},
      {safetensors_text("{\"\xff\":1}", 0), "not valid JSON"},
      {safetensors_text("{}", 1), "1 bytes at the end belong to no tensor"},
      {safetensors_text("{\"a\":1}", 0), "the entry \"a\" must be an object, not 1"},
      {safetensors_text("{\"a\":[]}", 0), "the entry \"a\" must be an object, not an array"},
      {safetensors_text(header_of({vector_entry("a", 1, 0, 4), vector_entry("a", 1, 4, 8)}), 8),
       "the tensor \"a\" is given twice"},
      {safetensors_text(R"({"__metadata__":{},"__metadata__":{}})", 0), "__metadata__ is given twice"},
      {safetensors_text(R"({"__metadata__":{"a":"1","a":"2"}})", 0),
       "__metadata__: the key \"a\" is repeated"},
      {safetensors_text(R"({"__metadata__":{"a":1}})", 0), "the value of \"a\" must be a string, not 1"},
      {safetensors_text(R"({"__metadata__":{"a":{"b":{}}}})", 0),
       "the value of \"a\" must be a string, not an object"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"), 4),
       "unknown field \"x\""},
      {safetensors_text(entry(R"("dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4])"), 4),
       "the field \"shape\" is repeated"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[1])"), 4),
       "lacks one of dtype, shape and data_offsets"},
      {safetensors_text(entry(R"("dtype":"F31","shape":[1],"data_offsets":[0,4])"), 4), "the dtype \"F31\""},
      {safetensors_text(entry(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), 4),
       "\"dtype\" cannot be 32"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), 4), "cannot contain -1"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])"), 4),
       "cannot contain 1.0"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])"), 4),
       "cannot contain an array"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0])"), 0),
       "the dimension 18446744073709551615 is out of range"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0])"), 0),
       "the shape [4611686018427387904,4] overflows"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])"), 4),
       "must be two numbers"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[1],"data_offsets":[0])"), 4), "must be two numbers"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), 4), "lie outside"},
      {safetensors_text(entry(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), 3),
       "lie outside the 3 bytes"},
      {safetensors_text(header_of({vector_entry("a", 2, 0, 4)}), 4), "expected 8 bytes for F32 [2], got 4"},
      {safetensors_text(header_of({vector_entry("a", 1, 0, 4), vector_entry("b", 1, 0, 4)}), 4), "overlaps"},
      {safetensors_text(header_of({vector_entry("a", 1, 0, 4), vector_entry("b", 1, 8, 12)}), 12),
       "tensor \"b\": follows a hole at byte 4"},
      {safetensors_text(header_of({vector_entry("a\\u0000b", 1, 0, 4)}), 4), "contains a NUL character"},
      {safetensors_text(header_of({vector_entry("../a", 1, 0, 4)}), 4), "contains \"../\""},
      {"GGUF" + packed<std::uint32_t>(3) + std::string(16, '\0'), "is a GGUF file"},
      {"PK\x03\x04" + std::string(100, 'x'), "is a pickle"},
      {"\x80\x02\x8a\x0al\xfc" + std::string(100, 'x'), "is a pickle"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"},
  };
  const TemporaryFolder folder;
  for (const auto& [text, expected] : cases) {
    write_text(folder / "hostile.safetensors", text);
    INFO(text);
    CHECK(lacking(refusal([&] { SafetensorsFile::open(folder / "hostile.safetensors"); }),
                  {"hostile.safetensors: ", expected}) == "");
  }
}

TEST_CASE("a shape of very many dimensions is refused") {
  const TemporaryFolder folder;
  std::string dimensions = "1";
  for (int i = 0; i < 100; ++i) {
    dimensions += ",1";
  }
  write_text(folder / "a.safetensors",
             safetensors_text(
                 "{\"a\":{\"dtype\":\"I8\",\"shape\":[" + dimensions + "],\"data_offsets\":[0,1]}}", 1));
  CHECK(lacking(refusal([&] { SafetensorsFile::open(folder / "a.safetensors"); }),
                {"has more than 64 dimensions"}) == "");
}

TEST_CASE("a pickle is refused by its name, before it is opened") {
  for (const char* name : {"pytorch_model.bin", "model.pt", "model.pth", "last.ckpt"}) {
    CHECK(lacking(refusal([&] { SafetensorsFile::open(std::string("/nonexistent/") + name); }),
                  {"is a pickle", "save_pretrained"}) == "");
  }
}

TEST_CASE("a header length that looks like a pickle's first bytes is not taken for one") {
  const TemporaryFolder folder;
  const std::string header = header_of({vector_entry("a", 1, 0, 4)});
  write_text(folder / "a.safetensors",
             safetensors_text(header + std::string(0x0280 - header.size(), ' '), 4));
  CHECK(SafetensorsFile::open(folder / "a.safetensors").tensors().size() == 1);
}
