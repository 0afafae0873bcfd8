#include "lore/formats/hf_cache.h"

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "unit/formats/fixtures.h"

namespace fs = std::filesystem;

namespace {

constexpr const char* kOutside = "is a symbolic link out of the model folder";
constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

/// A model folder with only a config.json.
fs::path make_model(const fs::path& folder) {
  fs::create_directories(folder);
  write_text(folder / "config.json", "{}");
  return folder;
}

/// A cache root that holds org/name at kCommit, named by refs/main, its file a link into blobs.
fs::path make_cache(const fs::path& root) {
  const fs::path repository = root / "models--org--name";
  fs::create_directories(repository / "blobs");
  fs::create_directories(repository / "refs" / "pr");
  fs::create_directories(repository / "snapshots" / kCommit);
  write_text(repository / "blobs" / "abc", "{}");
  write_text(repository / "refs" / "main", kCommit);
  write_text(repository / "refs" / "pr" / "1", kCommit);
  fs::create_symlink("../../blobs/abc", repository / "snapshots" / kCommit / "config.json");
  return repository;
}

}  // namespace

TEST_CASE("a folder or a GGUF file is found relative to the recipe's folder") {
  const TemporaryFolder folder;
  const fs::path model = make_model(folder / "models/tiny");
  fs::create_directories(folder / "recipes");
  write_text(folder / "models/tiny.gguf", "GGUF");
  CHECK(lore::find_model("../models/tiny", folder / "recipes", {}) == model);
  CHECK(lore::find_model("../models/tiny/", folder / "recipes", {}) == model);
  CHECK(lore::find_model(model.string(), "/nonexistent", {}) == model);
  CHECK(lore::find_model("../models/tiny.gguf", folder / "recipes", {}) == folder / "models/tiny.gguf");
}

TEST_CASE("a path through a linked folder means what the file system says") {
  const TemporaryFolder folder;
  const fs::path model = make_model(folder / "real/models/tiny");
  fs::create_directories(folder / "real/recipes");
  fs::create_directory_symlink(folder / "real/recipes", folder / "recipes");
  CHECK(fs::equivalent(lore::find_model("../models/tiny", folder / "recipes", {}), model));
}

TEST_CASE("a hub id is found in the first cache that has it, by branch, by reference and by commit") {
  const TemporaryFolder folder;
  const fs::path snapshot = make_cache(folder / "hub") / "snapshots" / kCommit;
  const std::vector<fs::path> roots{folder / "absent", folder / "hub"};
  CHECK(lore::find_model("org/name", folder.path(), roots) == snapshot);
  CHECK(lore::find_model("org/name@main", folder.path(), roots) == snapshot);
  CHECK(lore::find_model("org/name@pr/1", folder.path(), roots) == snapshot);
  CHECK(lore::find_model(std::string("org/name@") + kCommit, folder.path(), roots) == snapshot);
}

TEST_CASE("a folder goes before a hub id of the same spelling") {
  const TemporaryFolder folder;
  make_cache(folder / "hub");
  const fs::path model = make_model(folder / "org/name");
  CHECK(lore::find_model("org/name", folder.path(), {folder / "hub"}) == model);
}

TEST_CASE("a model that is not here is refused, saying where it was looked for") {
  const TemporaryFolder folder;
  const fs::path repository = make_cache(folder / "hub");
  const auto look = [&](const std::string& what) {
    return refusal([&] { lore::find_model(what, folder.path(), {folder / "hub"}); });
  };
  CHECK(lacking(look("org/other"), {"models--org--other", "nothing is fetched", "hf download org/other"}) ==
        "");
  CHECK(lacking(look("org/name@v2"),
                {"lacks the revision \"v2\"", "hf download org/name --revision v2", kCommit}) == "");
  CHECK(lacking(look("models/nowhere/deep"), {"there is no folder or .gguf file"}) == "");
  CHECK(lacking(look("org/..%2f"), {"no such model"}) == "");
  CHECK(lacking(look("org/name@../../x"), {"no such model"}) == "");
  CHECK(lacking(look(""), {"no model is given"}) == "");
  write_text(repository / "refs" / "main", "../../../etc");
  CHECK(lacking(look("org/name"), {"does not hold a commit"}) == "");
  write_text(repository / "refs" / "main", kCommit);
  fs::remove(repository / "snapshots" / kCommit / "config.json");
  CHECK(lacking(look("org/name"), {"has no config.json (an unfinished download?)"}) == "");
}

TEST_CASE("a folder or a file that is no model is refused with what to give instead") {
  const TemporaryFolder folder;
  const auto look = [&](const std::string& what) {
    return refusal([&] { lore::find_model(what, folder.path(), {}); });
  };
  fs::create_directories(folder / "empty");
  CHECK(lacking(look("empty"), {"has no config.json; give"}) == "");
  write_text(folder / "empty/q.gguf", "GGUF");
  CHECK(lacking(look("empty"), {"give", "empty/q.gguf"}) == "");
  write_text(folder / "model.bin", "x");
  CHECK(lacking(look("model.bin"), {"is not a model"}) == "");
}

TEST_CASE("links that stay in the model folder, and the folder being a link, are fine") {
  const TemporaryFolder folder;
  const fs::path model = make_model(folder / "real");
  write_text(model / "weights", "x");
  fs::create_symlink("weights", model / "model.safetensors");
  fs::create_directory_symlink(model, folder / "linked");
  CHECK_NOTHROW(lore::check_links(model));
  CHECK_NOTHROW(lore::check_links(folder / "linked"));
  CHECK(lore::find_model("linked", folder.path(), {}) == folder / "linked");
}

TEST_CASE("a link out of the model folder is refused by name") {
  const TemporaryFolder folder;
  const fs::path model = make_model(folder / "model");
  write_text(folder / "secret", "x");
  const auto outcome = [&] { return refusal([&] { lore::find_model("model", folder.path(), {}); }); };

  fs::create_symlink("../secret", model / "tokenizer.json");
  CHECK(lacking(outcome(), {kOutside, "secret", "tokenizer.json"}) == "");
  fs::remove(model / "tokenizer.json");

  fs::create_directories(model / "additional_chat_templates");
  fs::create_symlink(folder / "secret", model / "additional_chat_templates/a.jinja");
  CHECK(lacking(outcome(), {kOutside, "secret", "a.jinja"}) == "");
  fs::remove(model / "additional_chat_templates/a.jinja");

  fs::create_symlink("b", model / "a");
  fs::create_symlink("../secret", model / "b");
  CHECK(lacking(outcome(), {kOutside, "secret"}) == "");
  fs::remove(model / "b");

  fs::create_symlink("a", model / "b");
  CHECK(lacking(outcome(), {"is a symbolic link that cannot be followed"}) == "");
  fs::remove(model / "a");
  fs::remove(model / "b");
  CHECK(outcome() == "nothing was refused");
}

TEST_CASE("a snapshot may link into the blobs of its own repository only") {
  const TemporaryFolder folder;
  const fs::path repository = make_cache(folder / "hub");
  const fs::path snapshot = repository / "snapshots" / kCommit;
  CHECK_NOTHROW(lore::check_links(snapshot));
  fs::create_directories(folder / "hub/models--org--other/blobs");
  write_text(folder / "hub/models--org--other/blobs/x", "x");
  fs::create_symlink("../../../models--org--other/blobs/x", snapshot / "model.safetensors");
  CHECK(lacking(refusal([&] { lore::check_links(snapshot); }), {"is a symbolic link out of"}) == "");
}
