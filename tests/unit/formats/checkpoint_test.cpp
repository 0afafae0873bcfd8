#include "lore/formats/checkpoint.h"

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/formats/fixtures.h"

using lore::Checkpoint;

namespace {

/// Writes a safetensors file of one-byte tensors.
void write_shard(const std::filesystem::path& path, const std::vector<std::string>& names) {
  const std::string byte(1, '\7');
  std::vector<lore::TensorView> tensors;
  for (const std::string& name : names) {
    tensors.push_back({name, lore::DType::kU8, {1}, std::as_bytes(std::span(byte.data(), 1))});
  }
  lore::write_safetensors(path, tensors, {{"format", "pt"}});
}

void write_index(const TemporaryFolder& folder, const std::string& map) {
  write_text(folder / "model.safetensors.index.json",
             R"({"metadata":{"total_size":3},"weight_map":{)" + map + "}}");
}

}  // namespace

TEST_CASE("a checkpoint of one file is read") {
  const TemporaryFolder folder;
  write_shard(folder / "model.safetensors", {"b", "a"});
  const auto checkpoint = Checkpoint::open(folder.path());
  CHECK(checkpoint.names() == std::vector<std::string>{"a", "b"});
  CHECK(checkpoint.total_bytes() == 2);
  CHECK(checkpoint.files() == std::vector<std::filesystem::path>{folder / "model.safetensors"});
  CHECK(checkpoint.find("c") == nullptr);
}

TEST_CASE("a sharded checkpoint is one set of tensors, each with its file") {
  const TemporaryFolder folder;
  write_shard(folder / "model-00001-of-00002.safetensors", {"a", "c"});
  write_shard(folder / "model-00002-of-00002.safetensors", {"b"});
  write_index(folder, R"("a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors",)"
                      R"("c":"model-00001-of-00002.safetensors")");
  std::shared_ptr<const lore::MappedFile> kept;
  {
    const auto checkpoint = Checkpoint::open(folder.path());
    CHECK(checkpoint.names() == std::vector<std::string>{"a", "b", "c"});
    CHECK(checkpoint.total_bytes() == 3);
    REQUIRE(checkpoint.files().size() == 2);
    kept = checkpoint.file_of(*checkpoint.find("b"));
    CHECK(checkpoint.file_of(*checkpoint.find("c"))->path() == folder / "model-00001-of-00002.safetensors");
  }
  CHECK(kept->path() == folder / "model-00002-of-00002.safetensors");
  CHECK(kept->bytes().back() == std::byte{7});
}

TEST_CASE("an index and shards that disagree are refused, naming both") {
  const TemporaryFolder folder;
  write_shard(folder / "x.safetensors", {"a", "b"});
  const struct {
    std::string map;
    std::string expected;
  } cases[] = {
      {R"("a":"x.safetensors")", "x.safetensors: holds the tensor \"b\""},
      {R"("a":"x.safetensors","b":"x.safetensors","c":"x.safetensors")", "the tensor \"c\" is missing"},
      {R"("a":"x.safetensors","b":"y.safetensors","c":"z.safetensors")",
       "2 of 3 weight files are missing: y.safetensors, z.safetensors"},
      {R"("a":"../x.safetensors")",
       "\"../x.safetensors\" is not the name of a .safetensors file in this folder"},
      {R"("a":"/etc/passwd")", "is not the name"},
      {R"("a":"..\\x.safetensors")", "is not the name"},
      {R"("a":"x.bin")", "is not the name"},
      {R"("a":1)", "the file of \"a\" is not a string"},
      {"", "weight_map is empty"},
  };
  for (const auto& [map, expected] : cases) {
    write_index(folder, map);
    INFO(map);
    CHECK(lacking(refusal([&] { Checkpoint::open(folder.path()); }), {expected}) == "");
  }
  write_text(folder / "model.safetensors.index.json", "{}");
  CHECK(lacking(refusal([&] { Checkpoint::open(folder.path()); }), {"has no \"weight_map\" object"}) == "");
}

TEST_CASE("a folder without safetensors is refused with advice") {
  const TemporaryFolder folder;
  CHECK(lacking(refusal([&] { Checkpoint::open(folder.path()); }), {"has neither model.safetensors nor"}) ==
        "");
  write_text(folder / "pytorch_model.bin", "x");
  CHECK(lacking(refusal([&] { Checkpoint::open(folder.path()); }),
                {"pytorch_model.bin, a pickle", "safe_serialization=True"}) == "");
}
