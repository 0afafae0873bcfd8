#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lore/recipe/field.h"
#include "lore/recipe/keys.h"
#include "lore/recipe/matrix.h"
#include "lore/recipe/specs.h"
#include "lore/recipe/yaml_tree.h"

namespace lore {

/// Problems past this many are not collected.
inline constexpr std::size_t kMostProblems = 100;

/// Reads a YAML tree into a Recipe or a MatrixSpec by the description, going on after every problem.
class FieldReader {
 public:
  /// `folder`: where relative paths start.
  explicit FieldReader(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Call one of these once. What has a problem keeps its default.
  void read(const YamlNode& root, Recipe& recipe);
  void read(const YamlNode& root, MatrixSpec& matrix);

  const std::vector<YamlProblem>& problems() const { return problems_; }
  /// Where each key stands that the tree holds, by names such as `data.train[0].path`.
  const std::map<std::string, YamlPlace, std::less<>>& places() const { return place_of_key_; }

 private:
  class SectionVisitor;

  template <class Spec>
  void read_section(const YamlNode* map, const YamlPlace& place, const std::string& name, Spec& spec);
  // Each reader sets its output and is true, or adds a problem and is false.
  template <class T>
  bool read_value(const YamlNode& node, const std::string& name, const Field& field, T& value);
  template <class T>
  bool read_list(const YamlNode& node, const std::string& name, const Field& field, T& list);
  template <class T>
  bool read_mapping(const YamlNode& node, const std::string& name, const Field& field, T& mapping);
  template <class T>
  bool read_choice(const YamlNode& node, const std::string& name, const Field& field, T& value);
  template <class T>
  bool read_number(const YamlNode& node, const std::string& name, const Field& field, T& value);
  bool read_text(const YamlNode& node, const std::string& name, const Field& field, std::string& value);
  bool resolve(const YamlNode& node, const std::string& name, const Field& field, std::string& value);

  void report_unknown_keys(const YamlNode& map, const std::string& name,
                           const std::vector<std::string>& known);
  void report_conflicts(const Recipe& recipe);
  bool report_type(const YamlNode& node, const std::string& name, std::string_view wanted);
  /// Always false.
  bool report(const YamlPlace& place, const std::string& name, std::string message);
  bool is_full() const { return problems_.size() > kMostProblems; }
  bool is_flawed(std::string_view name) const;

  std::filesystem::path folder_;
  std::string_view what_ = "a recipe";
  const std::vector<RecipeKey>* keys_ = &recipe_keys();
  std::vector<YamlProblem> problems_;
  std::map<std::string, YamlPlace, std::less<>> place_of_key_;
  std::set<std::string, std::less<>> flawed_;  // names with a problem of their own
};

}  // namespace lore
