#include <fmt/format.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "lore/core/error.h"
#include "lore/corpus/row_form.h"
#include "lore/corpus/row_reader.h"
#include "lore/recipe/reader.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;

namespace {

/// One line of tests/bad_data/expected.tsv, which says how it is written.
struct Expected {
  std::string file;
  std::string source_keys;
  std::string outcome;
  std::string message;
};

std::string contents_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<Expected> read_table(const fs::path& file) {
  std::vector<Expected> table;
  std::istringstream stream(contents_of(file));
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.starts_with('#')) {
      continue;
    }
    std::istringstream fields(line);
    Expected& expected = table.emplace_back();
    std::getline(fields, expected.file, '\t');
    std::getline(fields, expected.source_keys, '\t');
    std::getline(fields, expected.outcome, '\t');
    std::getline(fields, expected.message, '\t');
  }
  return table;
}

/// The bytes that pairs of hexadecimal digits stand for; a `#` and what follows it in its line is a comment.
std::string from_hex(const std::string& text) {
  std::string bytes;
  std::string digits;
  bool in_comment = false;
  for (const char c : text) {
    in_comment = c != '\n' && (in_comment || c == '#');
    if (!in_comment && std::isxdigit(static_cast<unsigned char>(c)) != 0) {
      digits += c;
    }
    if (digits.size() == 2) {
      bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
      digits.clear();
    }
  }
  REQUIRE(digits.empty());
  return bytes;
}

/// The file as a source can name it: `NAME.hex` becomes NAME in `folder`.
fs::path prepared(const fs::path& file, const TemporaryFolder& folder) {
  if (file.extension() != ".hex") {
    return file;
  }
  const fs::path bytes = folder / file.stem().string();
  std::ofstream(bytes, std::ios::binary) << from_hex(contents_of(file));
  return bytes;
}

/// What reading the source and bringing its rows into their form comes to: "refused", or "G good, B bad", and
/// every problem, one a line, without the folder.
struct Outcome {
  std::string summary;
  std::string problems;
};

Outcome read_source(const fs::path& file, const std::string& keys) {
  const std::string recipe =
      fmt::format("model: {{ path: ./base }}\ndata: {{ train: [{{ path: {}{}{} }}] }}\noutput_dir: out\n",
                  nlohmann::json(file.string()).dump(), keys.empty() ? "" : ", ", keys);
  const lore::RecipeReading reading = lore::read_recipe_text(recipe, "/recipes/r.yaml");
  Outcome outcome;
  for (const lore::RecipeProblem& problem : reading.problems) {
    outcome.problems += problem.text() + "\n";
  }
  if (!outcome.problems.empty()) {
    return {"not a recipe", outcome.problems};
  }
  int good = 0;
  int bad = 0;
  const auto report = [&](const std::string& text) { outcome.problems += text + "\n"; };
  try {
    const lore::SourceSpec& source = reading.recipe.data.train.at(0);
    const lore::RowForm form(source);
    const std::unique_ptr<lore::RowReader> reader = lore::open_rows(source);
    while (std::optional<lore::ReadRow> read = reader->next()) {
      if (const auto* row = std::get_if<lore::BadRow>(&*read)) {
        ++bad;
        report(row->source + ": " + row->why);
        continue;
      }
      const std::string place = std::get<lore::Row>(*read).source;
      try {
        form.apply(std::get<lore::Row>(std::move(*read)));
        ++good;
      } catch (const lore::Error& error) {
        ++bad;
        report(place + ": " + error.what());
      }
    }
    outcome.summary = fmt::format("{} good, {} bad", good, bad);
  } catch (const lore::Error& error) {
    outcome.summary = "refused";
    report(error.what());
  }
  const std::string folder = file.parent_path().string() + "/";
  for (std::size_t at = outcome.problems.find(folder); at != std::string::npos;
       at = outcome.problems.find(folder)) {
    outcome.problems.erase(at, folder.size());
  }
  return outcome;
}

}  // namespace

TEST_CASE("every bad file is told for what it is") {
  const fs::path folder = fs::path(LORE_SOURCE_DIR) / "tests" / "bad_data";
  std::set<std::string> listed;
  for (const Expected& expected : read_table(folder / "expected.tsv")) {
    INFO(expected.file << " [" << expected.source_keys << "]");
    listed.insert(expected.file);
    REQUIRE(fs::exists(folder / expected.file));
    REQUIRE_FALSE(expected.message.empty());
    const TemporaryFolder unpacked;
    const Outcome outcome = read_source(prepared(folder / expected.file, unpacked), expected.source_keys);
    INFO(outcome.problems);
    CHECK(outcome.summary == expected.outcome);
    CHECK(outcome.problems.find(expected.message) != std::string::npos);
    // No terminal escape and no other control character reaches a message.
    for (const char c : outcome.problems) {
      CHECK((c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != '\x7F')));
    }
  }
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string file = fs::relative(entry.path(), folder).string();
    if (entry.is_regular_file() && file != "expected.tsv") {
      INFO(file);
      CHECK(listed.contains(file));
    }
  }
}
