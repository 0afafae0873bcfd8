#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lore/recipe/reader.h"

/// The shortest recipe without a problem.
inline const std::string kShortest =
    "model: { path: ./base }\n"
    "data: { train: [{ path: train.jsonl }] }\n"
    "output_dir: out\n";

/// Every problem of `text` as a recipe /recipes/r.yaml under `overrides`, one a line.
inline std::string problems_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  std::string lines;
  for (const lore::RecipeProblem& problem :
       lore::read_recipe_text(text, "/recipes/r.yaml", overrides).problems) {
    lines += fmt::format("{}{}", lines.empty() ? "" : "\n", problem.text());
  }
  return lines;
}

/// `text` as a recipe /recipes/r.yaml; the caller checks that it has no problem.
inline lore::Recipe recipe_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return lore::read_recipe_text(text, "/recipes/r.yaml", overrides).recipe;
}

inline std::string contents_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
