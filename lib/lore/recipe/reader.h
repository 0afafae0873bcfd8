#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lore/recipe/specs.h"
#include "lore/recipe/yaml_tree.h"

namespace lore {

/// One thing wrong with a recipe.
struct RecipeProblem {
  std::string file;  ///< the recipe's path as given, or `--set KEY`
  int line = 0;      ///< from 1; 0 where the place is a `--set`
  int column = 0;    ///< from 1, in characters; 0 where the place is a `--set`
  std::string message;

  /// "file:line:column: message", or "--set KEY: message".
  std::string text() const;

  bool operator==(const RecipeProblem&) const = default;
};

/// `problems` with their places, in the order of the file, then of the overrides; at most kMostProblems.
std::vector<RecipeProblem> named_problems(std::vector<YamlProblem> problems,
                                          const std::filesystem::path& file,
                                          const std::vector<std::string>& overrides);

/// Throws: Error kUsage whose message holds every problem, one a line, where there is any.
void refuse_problems(const std::vector<RecipeProblem>& problems);

/// A recipe read as far as it goes, with everything that is wrong with it.
struct RecipeReading {
  Recipe recipe;                        ///< meaningful when `problems` is empty
  std::vector<RecipeProblem> problems;  ///< in the order of the file, then of the overrides
  /// The place of every key that was given, by names such as `data.train[0].path`; without messages.
  std::map<std::string, RecipeProblem, std::less<>> places;

  /// `message` at the place of `key`; where that was not given, of the nearest section around it.
  RecipeProblem problem_at(std::string_view key, std::string message) const;
};

/// Reads YAML `text` that stands in `file` (named in messages; its folder is where relative paths
/// start), then applies `overrides`, each `dotted.key=value` with the value in YAML.
///
/// Precedence: default < text < overrides, later overrides over earlier ones. A list element is named
/// `data.train[0].path` or `data.train.0.path`; index = length appends. A relative path starts at the
/// recipe's folder, also in an override; a `model.path` of the form of a hub id that does not exist there
/// stays as it is. `null` gives a key back its default. Never throws for what the text holds.
RecipeReading read_recipe_text(std::string_view text, const std::filesystem::path& file,
                               const std::vector<std::string>& overrides = {});

/// `read_recipe_text` of what `file` holds. Throws: Error kInput when the file cannot be read.
RecipeReading check_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// The recipe in `file` under `overrides` (see `read_recipe_text`).
///
/// Throws: Error kUsage whose message holds every problem, one a line; Error kInput when the file
/// cannot be read.
Recipe read_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

}  // namespace lore
