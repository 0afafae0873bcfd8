#include "lore/formats/tensors_digest.h"

#include <vector>

#include "fixtures.h"
#include "lore/core/sha256.h"
#include "lore/formats/safetensors.h"
#include "lore/formats/safetensors_writer.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace {

using lore::DType;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

const std::string kWeights = "0123456789abcdef";

lore::TensorView tensor(const std::string& name, std::vector<std::int64_t> shape, DType dtype = DType::kF32) {
  return {name, dtype, std::move(shape), bytes_of(kWeights)};
}

}  // namespace

TEST_CASE("the digest of tensors is what its description says") {
  const TemporaryFolder folder;
  lore::write_safetensors(folder / "a.safetensors", {tensor("w", {2, 2})}, {});
  const lore::TensorsDigest digest = lore::digest_tensors({folder / "a.safetensors"});
  CHECK(digest.sha256 == lore::sha256_hex("1:w F32 2x2 " + lore::sha256_hex(kWeights) + "\n"));
  CHECK(digest.tensors == 1);
  CHECK(digest.bytes == 16);
}

TEST_CASE("the digest of tensors does not depend on files, their order or metadata") {
  const TemporaryFolder folder;
  const std::vector<lore::TensorView> all{tensor("a", {4}), tensor("b", {8}, DType::kBF16),
                                          tensor("c", {2, 2})};
  lore::write_safetensors(folder / "whole.safetensors", all, {{"format", "pt"}});
  lore::write_safetensors(folder / "1.safetensors", {all[2]}, {});
  lore::write_safetensors(folder / "2.safetensors", {all[1], all[0]}, {});
  const auto whole = lore::digest_tensors({folder / "whole.safetensors"});
  CHECK(lore::digest_tensors({folder / "1.safetensors", folder / "2.safetensors"}) == whole);
  CHECK(lore::digest_tensors({folder / "2.safetensors", folder / "1.safetensors"}) == whole);
}

TEST_CASE("the digest of tensors changes with name, dtype, shape and bytes") {
  const TemporaryFolder folder;
  const auto digest = [&](const lore::TensorView& view) {
    lore::write_safetensors(folder / "t.safetensors", {view}, {});
    return lore::digest_tensors({folder / "t.safetensors"}).sha256;
  };
  const std::string other = "0123456789abcdeF";
  const std::string first = digest(tensor("w", {4}));
  CHECK(digest(tensor("v", {4})) != first);
  CHECK(digest(tensor("w", {2, 2})) != first);
  CHECK(digest(tensor("w", {4}, DType::kI32)) != first);
  CHECK(digest({"w", DType::kF32, {4}, bytes_of(other)}) != first);
  CHECK(digest(tensor("w", {4})) == first);
}

TEST_CASE("the digest of a GGUF file is of its tensors, not of its metadata") {
  const TemporaryFolder folder;
  GgufBuilder builder;
  builder.tensor("w", {2, 2}, 0, 0);
  builder.data = kWeights + std::string(16, '\0');
  write_text(folder / "a.gguf", builder.text());
  builder.value("general.name", kText, gguf_string("other"));
  write_text(folder / "b.gguf", builder.text());
  const auto digest = lore::digest_tensors({folder / "a.gguf"});
  CHECK(digest.tensors == 1);
  CHECK(lore::digest_tensors({folder / "b.gguf"}) == digest);
}

TEST_CASE("a safetensors file written in pieces equals one written whole") {
  const TemporaryFolder folder;
  const std::vector<lore::TensorView> all{tensor("b", {8}, DType::kBF16), tensor("a", {4}),
                                          tensor("c", {2, 2})};
  lore::write_safetensors(folder / "whole.safetensors", all, {{"format", "pt"}});
  std::vector<lore::TensorSpec> specs;
  for (const lore::TensorView& view : all) {
    specs.push_back({view.name, view.dtype, view.shape});
  }
  {
    lore::SafetensorsWriter writer(folder / "pieces.safetensors", specs, {{"format", "pt"}});
    for (std::size_t i = all.size(); i-- > 0;) {
      writer.write(i, 8, all[i].bytes.subspan(8));
      writer.write(i, 0, all[i].bytes.first(8));
    }
    CHECK_THROWS_AS(writer.write(0, 9, all[0].bytes.first(8)), lore::Error);
    writer.flush();
  }
  CHECK(read_text(folder / "pieces.safetensors") == read_text(folder / "whole.safetensors"));
}
