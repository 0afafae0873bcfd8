#include "lore/recipe/matrix.h"

#include "lore/core/mapped_file.h"
#include "lore/recipe/field_reader.h"
#include "lore/recipe/paths.h"
#include "lore/recipe/reader.h"

namespace lore {

MatrixSpec read_matrix(const std::filesystem::path& file) {
  const auto mapped = MappedFile::open(file);
  std::vector<YamlProblem> problems;
  const YamlNodePtr root = parse_yaml(mapped->text(), YamlPlace::kFile, problems);
  MatrixSpec matrix;
  if (root) {
    FieldReader reader(recipe_folder(file));
    reader.read(*root, matrix);
    problems.insert(problems.end(), reader.problems().begin(), reader.problems().end());
  }
  refuse_problems(named_problems(std::move(problems), file, {}));
  return matrix;
}

}  // namespace lore
