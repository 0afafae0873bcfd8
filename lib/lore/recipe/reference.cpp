#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "lore/recipe/keys.h"
#include "lore/recipe/schema.h"

namespace lore {
namespace {

constexpr std::string_view kReferenceHead =
    R"(# The recipe

A recipe is one YAML file (JSON is a subset of YAML) that says everything about a training run. This page is made
from the same description that reads recipes; `lore recipe schema` prints that description as a JSON Schema,
`lore recipe init` a commented recipe to start from, `lore recipe show` a recipe with every key resolved.

- Precedence: default < file < `--set KEY=VALUE`, later `--set` over earlier. KEY is dotted, with list indices:
  `training.epochs=2`, `data.train[0].limit=100` or `data.train.0.limit=100`; the index after the last adds an element.
  VALUE is YAML. Below `adapter.rank_pattern` and `adapter.alpha_pattern` the rest of KEY is one name, dots included.
- A relative path starts at the recipe's folder, also in `--set`. `model.path` stays a hub id where it reads as one
  (`name` or `owner/name`) and nothing of that name exists in the recipe's folder.
- Every problem is reported at once as `file:line:column: message`, with the nearest valid key; the exit code is 2.
- Numbers are decimal and finite: `2e-4`, `0.0002`; a whole number has no point. Booleans are `true` and `false`. `null`
  gives a key back its default. Anchors and aliases work; merge keys (`<<`) and tags (`!!str`) do not. A recipe is at
  most 1 MiB, 64 levels deep and, with aliases counted in full, 100,000 values.
)";

constexpr std::string_view kStartingHead =
    R"(# A recipe for lore train. Relative paths start at this file's folder.
# Every key, its default and its range: docs/recipe.md; as a JSON Schema: lore recipe schema.
)";

constexpr std::size_t kCommentWidth = 98;

std::string joined_codes(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) {
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", name);
  }
  return text;
}

/// What a key accepts besides its type; empty where it is anything.
std::string accepted(const Field& field) {
  if (!field.choices.empty()) {
    return joined_codes(field.choices) + (field.path == PathRule::kPathOrName ? ", a name or a path" : "");
  }
  switch (field.path) {
    case PathRule::kPath:
      return "path";
    case PathRule::kPathOrHubId:
      return "path or hub id";
    case PathRule::kNone:
    case PathRule::kPathOrName:
      break;
  }
  return field.range.text();
}

/// `text` fit for a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += c == '|' ? "\\|" : std::string(1, c);
  }
  return result;
}

bool is_top_section(const RecipeKey& key) { return key.section && key.name.find('.') == std::string::npos; }

/// The table of the keys below the top-level section `section`, or of the top-level keys where it is empty.
std::string key_table(std::string_view section) {
  std::string text = "\n| key | type | accepts | default | meaning |\n|---|---|---|---|---|\n";
  for (const RecipeKey& key : recipe_keys()) {
    const std::size_t dot = key.name.find('.');
    const std::string_view home = dot == std::string::npos ? "" : std::string_view(key.name).substr(0, dot);
    if (key.section || home != section) {
      continue;
    }
    const std::string fallback = key.field.required          ? "**required**"
                                 : key.default_value.empty() ? "unset"
                                                             : fmt::format("`{}`", key.default_value);
    text += fmt::format("| `{}` | {} | {} | {} | {} |\n", key.name, key.type, cell(accepted(key.field)),
                        fallback, cell(key.field.doc));
  }
  return text;
}

/// `text` less the backquotes of Markdown, in lines of comment.
std::string comment(std::string_view text, const std::string& indent) {
  std::string result;
  std::string line;
  const auto flush = [&] {
    result += fmt::format("{}#{}\n", indent, line);
    line.clear();
  };
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (!line.empty() && indent.size() + line.size() + word.size() + 2 > kCommentWidth) {
      flush();
    }
    line += ' ';
    std::ranges::copy_if(word, std::back_inserter(line), [](char c) { return c != '`'; });
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  flush();
  return result;
}

}  // namespace

std::string reference_markdown() {
  std::string text(kReferenceHead);
  text += key_table("");
  for (const RecipeKey& key : recipe_keys()) {
    if (is_top_section(key)) {
      text += fmt::format("\n## `{}`\n\n{}\n{}", key.name, key.field.doc, key_table(key.name));
    }
  }
  return text;
}

std::string starting_recipe() {
  std::string text(kStartingHead);
  for (const RecipeKey& key : recipe_keys()) {
    const auto depth = static_cast<std::size_t>(std::ranges::count(key.name, '.'));
    const std::string leaf = key.name.substr(key.name.rfind('.') + 1);
    const std::string indent(2 * depth, ' ');
    if (is_top_section(key)) {
      text += fmt::format("\n{}{}:\n", comment(key.field.doc, indent), leaf);
    } else if (!key.field.example.empty()) {
      text += fmt::format("{}{}{}{}: {}\n", depth == 0 ? "\n" : "", comment(key.field.doc, indent), indent,
                          leaf, key.field.example);
    }
  }
  return text;
}

}  // namespace lore
