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

std::vector<RecipeProblem> named(std::vector<YamlProblem> problems, const std::filesystem::path& file,
                                 const std::vector<std::string>& overrides) {
  std::ranges::stable_sort(problems, comes_before);
  std::vector<RecipeProblem> result;
  for (YamlProblem& problem : problems) {
    if (result.size() == kMostProblems) {
      result.push_back({file.string(), problem.place.line, problem.place.column,
                        "more problems follow; mend those above first"});
      return result;
    }
    if (problem.place.source == YamlPlace::kFile) {
      result.push_back({file.string(), problem.place.line, problem.place.column, std::move(problem.message)});
    } else {
      const std::string& assignment = overrides[static_cast<std::size_t>(problem.place.source)];
      result.push_back({"--set " + override_key(assignment), 0, 0, std::move(problem.message)});
    }
  }
  return result;
}

}  // namespace

std::string RecipeProblem::text() const {
  return line > 0 ? fmt::format("{}:{}:{}: {}", file, line, column, message)
                  : fmt::format("{}: {}", file, message);
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
  }
  reading.problems = named(std::move(problems), file, overrides);
  return reading;
}

RecipeReading check_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  return read_recipe_text(MappedFile::open(file)->text(), file, overrides);
}

Recipe read_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  RecipeReading reading = check_recipe(file, overrides);
  if (!reading.problems.empty()) {
    std::vector<std::string> lines;
    std::ranges::transform(reading.problems, std::back_inserter(lines), &RecipeProblem::text);
    throw Error(ErrorKind::kUsage, "", fmt::format("{}", fmt::join(lines, "\n")));
  }
  return std::move(reading.recipe);
}

}  // namespace lore
