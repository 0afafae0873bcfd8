#include "lore/recipe/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/recipe/field_reader.h"
#include "lore/recipe/overrides.h"
#include "lore/recipe/paths.h"
#include "lore/recipe/yaml_tree.h"

namespace lore {
namespace {

/// The order of the file, then of the overrides.
bool comes_before(const YamlProblem& a, const YamlProblem& b) {
  const auto order = [](const YamlPlace& place) {
    return std::tuple(place.source, place.line, place.column);
  };
  return order(a.place) < order(b.place);
}

RecipeProblem at(const YamlPlace& place, const std::filesystem::path& file,
                 const std::vector<std::string>& overrides, std::string message) {
  if (place.source == YamlPlace::kFile) {
    return {file.string(), place.line, place.column, std::move(message)};
  }
  const std::string& assignment = overrides[static_cast<std::size_t>(place.source)];
  return {"--set " + override_key(assignment), 0, 0, std::move(message)};
}

}  // namespace

std::vector<RecipeProblem> named_problems(std::vector<YamlProblem> problems,
                                          const std::filesystem::path& file,
                                          const std::vector<std::string>& overrides) {
  std::ranges::stable_sort(problems, comes_before);
  std::vector<RecipeProblem> result;
  for (YamlProblem& problem : problems) {
    if (result.size() == kMostProblems) {
      result.push_back({file.string(), problem.place.line, problem.place.column,
                        "more problems follow; mend those above first"});
      return result;
    }
    result.push_back(at(problem.place, file, overrides, std::move(problem.message)));
  }
  return result;
}

void refuse_problems(const std::vector<RecipeProblem>& problems) {
  if (!problems.empty()) {
    std::vector<std::string> lines;
    std::ranges::transform(problems, std::back_inserter(lines), &RecipeProblem::text);
    throw Error(ErrorKind::kUsage, "", fmt::format("{}", fmt::join(lines, "\n")));
  }
}

std::string RecipeProblem::text() const {
  return line > 0 ? fmt::format("{}:{}:{}: {}", file, line, column, message)
                  : fmt::format("{}: {}", file, message);
}

RecipeProblem RecipeReading::problem_at(std::string_view key, std::string message) const {
  auto place = places.find(key);
  while (place == places.end() && !key.empty()) {
    const std::size_t section = key.find_last_of(".[");
    key = key.substr(0, section == std::string_view::npos ? 0 : section);
    place = places.find(key);
  }
  RecipeProblem problem = place->second;
  problem.message = std::move(message);
  return problem;
}

RecipeReading read_recipe_text(std::string_view text, const std::filesystem::path& file,
                               const std::vector<std::string>& overrides) {
  RecipeReading reading;
  std::vector<YamlProblem> problems;
  YamlNodePtr root = parse_yaml(text, YamlPlace::kFile, problems);
  if (root && root->kind == YamlNode::Kind::kNull) {
    problems.push_back({root->place, "the recipe is empty"});
    root = nullptr;
  }
  if (root) {
    for (std::size_t i = 0; i < overrides.size(); ++i) {
      root = apply_override(root, overrides[i], static_cast<int>(i), problems);
    }
    FieldReader reader(recipe_folder(file));
    reader.read(*root, reading.recipe);
    problems.insert(problems.end(), reader.problems().begin(), reader.problems().end());
    for (const auto& [key, place] : reader.places()) {
      reading.places.emplace(key, at(place, file, overrides, ""));
    }
  }
  reading.places.emplace("", RecipeProblem{file.string(), 1, 1, ""});
  reading.problems = named_problems(std::move(problems), file, overrides);
  return reading;
}

RecipeReading check_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  return read_recipe_text(MappedFile::open(file)->text(), file, overrides);
}

Recipe read_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  RecipeReading reading = check_recipe(file, overrides);
  refuse_problems(reading.problems);
  return std::move(reading.recipe);
}

}  // namespace lore
