#include "lore/recipe/shareable.h"

#include "lore/core/private_path.h"
#include "lore/recipe/describe.h"
#include "lore/recipe/field_types.h"

namespace lore {
namespace {

struct PathShortener {
  template <class Member>
  void operator()(std::string_view /*key*/, Member& member, const Field& field) {
    shorten(member, field.path != PathRule::kNone);
  }

  template <class T>
  void shorten(T& value, bool is_path) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (is_path && is_private_path(value)) {
        value = public_name(value);
      }
    } else if constexpr (Section<T>) {
      describe(value, *this);
    } else if constexpr (OptionalField<T>) {
      if (value) {
        shorten(*value, is_path);
      }
    } else if constexpr (ListField<T> && !MappingField<T>) {
      if (is_path || Section<typename FieldType<T>::Inner>) {
        for (auto& item : value) {
          shorten(item, is_path);
        }
      }
    }
  }
};

}  // namespace

Recipe shareable(Recipe recipe) {
  PathShortener shortener;
  describe(recipe, shortener);
  return recipe;
}

}  // namespace lore
