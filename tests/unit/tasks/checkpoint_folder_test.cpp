#include "lore/tasks/checkpoint_folder.h"

#include <fstream>
#include <set>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;

namespace {

class Warnings final : public lore::Messages {
 public:
  void warning(std::string_view text) override { texts.emplace_back(text); }
  void info(std::string_view /*text*/) override {}
  std::vector<std::string> texts;
};

/// A sealed checkpoint with two small files.
fs::path make_checkpoint(const fs::path& run, std::int64_t step, std::optional<double> loss = {}) {
  const fs::path folder = lore::checkpoint_path(run, step);
  lore::create_folders(folder / "best");
  lore::write_file_atomically(folder / "state", std::to_string(step));
  lore::write_file_atomically(folder / "best" / "adapter", "best");
  lore::seal_checkpoint(folder, step, loss);
  return folder;
}

std::set<std::int64_t> steps_of(const fs::path& run) {
  std::set<std::int64_t> steps;
  for (const lore::CheckpointPlace& place : lore::list_checkpoints(run)) {
    steps.insert(place.step);
  }
  return steps;
}

void put(const fs::path& file, const char* text) { std::ofstream(file, std::ios::trunc) << text; }

}  // namespace

TEST_CASE("a checkpoint is sound until anything in it is not as it was written") {
  const TemporaryFolder folder;
  const auto damage = [&](const auto& change) {
    const fs::path checkpoint = make_checkpoint(folder.path(), 7);
    CHECK(lore::checkpoint_damage(checkpoint).empty());
    change(checkpoint);
    const std::string told = lore::checkpoint_damage(checkpoint);
    fs::remove_all(checkpoint);
    return told;
  };
  CHECK(damage([](const fs::path& at) { put(at / "state", "8"); }) ==
        "state does not have the SHA-256 it was written with");
  CHECK(damage([](const fs::path& at) { put(at / "state", "77"); }) ==
        "state does not have the size it was written with");
  CHECK(damage([](const fs::path& at) { fs::remove(at / "best/adapter"); }) == "best/adapter is missing");
  CHECK(damage([](const fs::path& at) { put(at / "more", ""); }) == "more does not belong to it");
  CHECK(damage([](const fs::path& at) { put(at / "checkpoint.json", "{}"); }) ==
        "checkpoint.json is not as Lore writes it");
  CHECK_FALSE(damage([](const fs::path& at) { fs::remove(at / "checkpoint.json"); }).empty());
}

TEST_CASE("the newest sound checkpoint is found, with a warning of each newer one that is damaged") {
  const TemporaryFolder folder;
  Warnings warnings;
  CHECK_FALSE(lore::newest_sound_checkpoint(folder.path(), warnings));
  make_checkpoint(folder.path(), 100);
  make_checkpoint(folder.path(), 1000000);
  put(lore::checkpoint_path(folder.path(), 1000000) / "state", "x");
  fs::create_directory(folder / "checkpoints/step-000200.Ab12Cd");
  const auto found = lore::newest_sound_checkpoint(folder.path(), warnings);
  REQUIRE(found);
  CHECK(found->step == 100);
  CHECK(warnings.texts.size() == 1);
  put(lore::checkpoint_path(folder.path(), 100) / "state", "x");
  CHECK_THROWS_AS(lore::newest_sound_checkpoint(folder.path(), warnings), lore::Error);
}

TEST_CASE("rotation keeps the last, the best and every nth, and drops what a later run left") {
  const TemporaryFolder folder;
  for (std::int64_t step = 10; step <= 90; step += 10) {
    make_checkpoint(folder.path(), step, step == 30 ? std::optional(0.5) : std::optional(1.0 + step));
  }
  lore::TrainingSpec spec;
  spec.keep_last = 2;
  spec.keep_best = 1;
  spec.keep_every = 40;
  lore::rotate_checkpoints(folder.path(), 80, spec);
  CHECK(steps_of(folder.path()) == std::set<std::int64_t>{30, 40, 70, 80});
  CHECK(std::distance(fs::directory_iterator(folder / "checkpoints"), {}) == 4);
}
